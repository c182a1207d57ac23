"""DeFlow's domain-invariant map h (arXiv 2101.05796) with its autoencoders, which are trained or read from files."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from patina.conditions.autoencoder import DenoisingAutoencoder, train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.conditions.steps import HStep
from patina.data.condition_files import whole_condition
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, readable
from patina.models.model_files import ModelFile, built_network, load_model_file, save_model_file
from patina.runs.fingerprint import file_digest
from patina.seeding import derive
from patina.system.typed_values import shortened

AUTOENCODER = "autoencoder"
"""Kind of the autoencoders' model files."""

AUTOENCODER_PICTURES = 64
"""Number of clean images that an autoencoder is trained on."""


def condition_map(steps: Sequence[HStep], clean: Path, folder: Path, seed: int) -> ConditionMap:
    """Return the map h; autoencoders without a file are trained on clean images and saved.

    Args:
        steps: steps of h.
        clean: folder of the clean images.
        folder: folder for the files of trained autoencoders.
        seed: seed of the autoencoders' training.
    """
    networks: dict[int, DenoisingAutoencoder] = {}
    for index, step in enumerate(steps):
        if step.autoencoder is None:
            continue
        path = step.autoencoder.file or _trained_autoencoder(steps[: index + 1], networks, clean, folder, seed)
        networks[index] = open_autoencoder(path, step.autoencoder.features)
    return ConditionMap(steps, networks)


def _trained_autoencoder(
    steps: Sequence[HStep], before: dict[int, DenoisingAutoencoder], clean: Path, folder: Path, seed: int
) -> Path:
    """Return the model file of the last step's autoencoder; train it if no file for these steps exists.

    The file name contains a digest of steps, images and seed, so runs do not overwrite each other's files.
    """
    index, settings = len(steps) - 1, steps[-1].autoencoder
    assert settings is not None
    pictures = list_pictures(clean)[:AUTOENCODER_PICTURES]
    plain = [step.written() for step in steps]
    source_digest = derive(json.dumps(plain), seed, *map(file_digest, pictures))
    path = folder / f"h_autoencoder_{index}-{source_digest:016x}.safetensors"
    if not path.is_file():
        filters = ConditionMap.before(index, steps, before)
        conditions = list(readable(pictures, lambda picture: whole_condition(picture, filters)))
        network = train_autoencoder(conditions, settings, seed)
        save_model_file(path, ModelFile(AUTOENCODER, {"features": network.features}, network.state_dict()))
    return path


def open_autoencoder(path: Path, features: int) -> DenoisingAutoencoder:
    """Read an autoencoder's file.

    Raises:
        PatinaError: the file holds another kind of model or a different number of features.
    """
    model = load_model_file(path)
    if model.kind != AUTOENCODER or model.configuration.get("features") != features:
        found = shortened(f"a model of kind {model.kind!r}, {model.configuration}")
        raise PatinaError(f"{path}: holds {found}, expected an autoencoder with the {features} features given in h")
    network = built_network(partial(DenoisingAutoencoder, features), model.weights, path)
    return network.eval().requires_grad_(False)


def local_conditions(h: ConditionMap) -> Callable[[torch.Tensor, np.random.Generator], torch.Tensor]:
    """Return the part of h that is applied to every training sample, after the prepared steps."""

    def local(condition: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return h.local(condition, lambda _, shape: torch.from_numpy(rng.standard_normal(tuple(shape), np.float32)))

    return local
