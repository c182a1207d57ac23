"""Configuration to DeFlow's map h."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from patina.conditions.autoencoder import DenoisingAutoencoder, train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.config.learned import DeFlowConfig
from patina.data.conditions import whole_condition
from patina.errors import PatinaError
from patina.imaging.files import list_pictures
from patina.models.files import ModelFile, load_model_file, load_weights, save_model_file

AUTOENCODER = "autoencoder"
"""Kind of the model files of h's autoencoders."""

AUTOENCODER_PICTURES = 64
"""Clean pictures that they are trained on."""


def condition_map(config: DeFlowConfig) -> ConditionMap:
    """Make h; an autoencoder without a file is trained on the clean set, once while all that it comes from stays."""
    steps = config.condition_steps
    networks: dict[int, DenoisingAutoencoder] = {}
    for index, step in enumerate(steps):
        if step.autoencoder is None:
            continue
        given = step.autoencoder.file
        path = given or config.runs / config.name / f"h_autoencoder_{index}.safetensors"
        origin = {"steps": [each.written() for each in steps[: index + 1]], "seed": config.seed}
        if given is None and not (path.is_file() and load_model_file(path).configuration.get("origin") == origin):
            clean = _filtered_clean(config, ConditionMap.before(index, steps, networks))
            network = train_autoencoder(clean, step.autoencoder, config.seed)
            described = {"features": network.features, "origin": origin}
            save_model_file(path, ModelFile(AUTOENCODER, described, network.state_dict()))
        networks[index] = open_autoencoder(path, step.autoencoder.features)
    return ConditionMap(steps, networks)


def _filtered_clean(config: DeFlowConfig, h: ConditionMap) -> list[np.ndarray]:
    """Return clean pictures as `h` leaves them."""
    folder = config.data.clean.folder / f"{config.data.clean.image_scale}x"
    return [whole_condition(path, h) for path in list_pictures(folder)[:AUTOENCODER_PICTURES]]


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
