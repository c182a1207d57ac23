"""A small DeFlow with random weights, its model file, and the command that translates with it."""

from dataclasses import asdict

import torch
from torch import nn

from patina.cli.main import run_command
from patina.imaging.channel_statistics import ChannelStatistics
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.model_files import ModelFile, save_model_file

ARCHITECTURE = DeFlowArchitecture(
    scale=4, features=8, blocks=1, growth=4, stacked_blocks=(0,), steps=1, hidden=8, steps_without_coupling=1
)
FLAT = ChannelStatistics((120.0, 120.0, 120.0), (50.0, 50.0, 50.0), 1)
REDDISH = ChannelStatistics((140.0, 110.0, 120.0), (60.0, 40.0, 50.0), 1)
STATISTICS = {"clean_image": FLAT, "clean_condition": FLAT, "real_image": REDDISH, "real_condition": REDDISH}


def network() -> DeFlow:
    """Return a network in which every weight matters and whose translation adds visible noise."""
    torch.manual_seed(3)
    flow = DeFlow(ARCHITECTURE)
    for name, parameter in flow.named_parameters():
        if name.startswith("layers") and name.endswith(("weight", "bias", "logs")):
            nn.init.normal_(parameter, std=0.05)
        if name.endswith("cov_shift"):
            parameter.data.copy_(0.05 * torch.eye(len(parameter)))
    return flow


def write_model(path):
    """Write the network as a model file of step 7; return the path."""
    statistics = {name: part.to_dict() for name, part in STATISTICS.items()}
    configuration = {"architecture": asdict(ARCHITECTURE), "condition_noise": 0.03}
    save_model_file(path, ModelFile("deflow", configuration, network().state_dict(), statistics, step=7))
    return path


def translate(model, source, out, *options) -> int:
    arguments = ["-model_path", str(model), "-source_dir", str(source), "-out_dir", str(out), "-device", "cpu"]
    return run_command("translate", [*arguments, *map(str, options)])
