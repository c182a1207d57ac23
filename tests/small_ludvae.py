"""A small LUD-VAE with random weights, its model file, and the command that translates with it."""

from dataclasses import asdict

import torch
from torch import nn

from patina.cli.main import run_command
from patina.imaging.channel_statistics import ChannelStatistics
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.model_files import ModelFile, save_model_file

ARCHITECTURE = LUDVAEArchitecture(channels=6)
FLAT = ChannelStatistics((120.0, 120.0, 120.0), (50.0, 50.0, 50.0), 1)
REDDISH = ChannelStatistics((140.0, 110.0, 120.0), (60.0, 40.0, 50.0), 1)
STATISTICS = {"clean_image": FLAT.to_dict(), "real_image": REDDISH.to_dict()}
MODEL = ModelFile("ludvae", {"architecture": asdict(ARCHITECTURE), "noise_level": {"clean": 12, "real": 7}}, {})
PLAIN = {"noise_level": 10.0, "temperature": 1.0, "detail": 0.0}


def network() -> LUDVAE:
    """Return a network whose pixels depend on all that its convolutions reach, mostly within [0, 1]."""
    torch.manual_seed(1)
    network = LUDVAE(ARCHITECTURE)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter)
        if ".v." in name:
            parameter.data *= 0.1
    nn.init.normal_(network.outconv.weight, std=0.02)
    nn.init.constant_(network.outconv.bias, 0.5)
    return network


def write_model(path):
    """Write the network as a model file of step 7; return the path."""
    save_model_file(path, ModelFile(MODEL.kind, MODEL.configuration, network().state_dict(), STATISTICS, step=7))
    return path


def translate(model, source, out, *options) -> int:
    arguments = ["-model_path", str(model), "-source_dir", str(source), "-out_dir", str(out), "-device", "cpu"]
    return run_command("translate", [*arguments, *map(str, options)])
