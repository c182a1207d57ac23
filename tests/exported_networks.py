"""Small networks as model files, and the command that exports them."""

import torch

from patina.cli.main import run_command
from patina.models.compact import CompactSettings
from patina.models.generator_files import save_generator
from patina.models.lapsrn import LapSRNSettings
from patina.models.msrresnet import MSRResNetSettings
from patina.models.realplksr import RealPLKSRSettings
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.spandrel_network import SpandrelSettings

NETWORKS = {
    "compact": lambda: CompactSettings(scale=2, features=8, blocks=1).build(),
    "msrresnet": lambda: MSRResNetSettings(scale=4, features=8, blocks=1).build(),
    "realplksr": lambda: RealPLKSRSettings(scale=2, features=8, blocks=1, kernel=5).build(),
    "rrdbnet": lambda: RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(),
    "lapsrn": lambda: LapSRNSettings(scale=2, features=4, convolutions=1).build(),
    "SPAN": lambda: SpandrelSettings(architecture="SPAN", scale=2, feature_channels=8).build(),
}


def written(tmp_path, name="compact"):
    """Write one of the networks as a model file; return the path."""
    torch.manual_seed(3)
    path = tmp_path / f"{name}.safetensors"
    save_generator(NETWORKS[name](), path)
    return path


def exported(model, out, *flags: str) -> int:
    """Export a model file; return the exit code."""
    return run_command("export", [str(model), "-out", str(out), *flags])
