"""What a training would do, and what it has come to, for people and for programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.runs import run_models
from patina.runs.run_log import read_log
from patina.specs.configuration import config_values, dump_config, with_addresses
from patina.specs.experiment import TrainableConfig


@dataclass(frozen=True)
class ResolvedTraining:
    """What a training would do.

    Attributes:
        config: the configuration with every default.
        network: class of its network.
        parameters: number of the network's parameters.
    """

    config: TrainableConfig
    network: str
    parameters: int

    @classmethod
    def of(cls, config: TrainableConfig) -> "ResolvedTraining":
        """Return what the training of a configuration would do; no file is read."""
        network = config.fresh_network()
        return cls(config, type(network).__name__, sum(weights.numel() for weights in network.parameters()))

    @property
    def text(self) -> str:
        """The configuration as YAML, and the size of its network in a comment."""
        mib = self.parameters * 4 / 2**20
        return f"{dump_config(self.config)}# {self.network}: {self.parameters:,} parameters, {mib:.1f} MiB in float32"

    @property
    def values(self) -> dict[str, Any]:
        """Plain values."""
        return {"configuration": config_values(self.config), "network": self.network, "parameters": self.parameters}


def training_outcome(config: TrainableConfig, finished: bool) -> dict[str, Any]:
    """Return plain values of a training, finished or not, with addresses in the place of working folders.

    They are `name`, `folder`, `finished`, `model` (path of the final model, or None), and `stages`. Every stage has
    `folder`, `steps` (the last one in the log), `models` (paths by label) and `validation` (step and numbers of the
    last one).

    Args:
        config: what was trained.
        finished: whether all of it is done.
    """
    final = config.final_model()
    values: dict[str, Any] = with_addresses(
        {
            "name": config.name,
            "folder": str(config.run_folder()),
            "finished": finished,
            "model": str(final) if final.is_file() else None,
            "stages": [_stage(stage.folder) for stage in config.training_stages()],
        }
    )
    return values


def _stage(folder: Path) -> dict[str, Any]:
    lines = read_log(folder)
    validation = next((line for line in reversed(lines) if line["part"] == "valid"), {})
    return {
        "folder": str(folder),
        "steps": max((line.get("step", 0) for line in lines), default=0),
        "models": {path.stem: str(path) for path in sorted((folder / run_models.FOLDER).glob("*.safetensors"))},
        "validation": {name: value for name, value in validation.items() if name not in ("part", "time")},
    }
