"""Configuration to DeFlow's map h."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from patina.conditions.autoencoder import DenoisingAutoencoder, train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.data.condition_files import whole_condition
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, readable
from patina.models.model_files import ModelFile, load_model_file, load_weights, save_model_file
from patina.runs.fingerprint import file_digest
from patina.seeding import derive
from patina.specs.learned_settings import DeFlowConfig

AUTOENCODER = "autoencoder"
"""Kind of the model files of h's autoencoders."""

AUTOENCODER_PICTURES = 64
"""Clean pictures that they are trained on."""


def condition_map(config: DeFlowConfig) -> ConditionMap:
    """Make h; an autoencoder without a file is trained on the clean set, and kept for what it comes of."""
    steps = config.condition_steps
    networks: dict[int, DenoisingAutoencoder] = {}
    for index, step in enumerate(steps):
        if step.autoencoder is None:
            continue
        path = step.autoencoder.file or _trained_autoencoder(config, index, networks)
        networks[index] = open_autoencoder(path, step.autoencoder.features)
    return ConditionMap(steps, networks)


def _trained_autoencoder(config: DeFlowConfig, index: int, before: dict[int, DenoisingAutoencoder]) -> Path:
    """Return the file of the autoencoder of step `index`, trained where there is none of its steps, pictures and seed.

    Another origin gives another file, so that no run loses its own.
    """
    steps = config.condition_steps
    folder = config.data.clean.folder / f"{config.data.clean.image_scale}x"
    pictures = list_pictures(folder)[:AUTOENCODER_PICTURES]
    plain = [each.written() for each in steps[: index + 1]]
    origin = derive(json.dumps(plain), config.seed, *map(file_digest, pictures))
    path = config.runs / config.name / f"h_autoencoder_{index}-{origin:016x}.safetensors"
    if not path.is_file():
        filters = ConditionMap.before(index, steps, before)
        clean = list(readable(pictures, lambda picture: whole_condition(picture, filters)))
        network = train_autoencoder(clean, steps[index].autoencoder, config.seed)
        save_model_file(path, ModelFile(AUTOENCODER, {"features": network.features}, network.state_dict()))
    return path


def open_autoencoder(path: Path, features: int) -> DenoisingAutoencoder:
    """Read an autoencoder's file.

    Raises:
        PatinaError: it holds something else, or a network of another width.
    """
    model = load_model_file(path)
    if model.kind != AUTOENCODER or model.configuration["features"] != features:
        found = f"a model of kind {model.kind!r}, {model.configuration}"
        raise PatinaError(f"{path}: holds {found}, expected an autoencoder of {features} features, as h says")
    network = DenoisingAutoencoder(features)
    load_weights(network, model.weights, path)
    return network.eval().requires_grad_(False)


def local_conditions(h: ConditionMap) -> Callable[[torch.Tensor, np.random.Generator], torch.Tensor]:
    """Return what samples still do to their conditions."""

    def local(condition: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return h.local(condition, lambda _, shape: torch.from_numpy(rng.standard_normal(tuple(shape), np.float32)))

    return local
