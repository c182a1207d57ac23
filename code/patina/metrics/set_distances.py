"""Distances of two sets of images, by the features of a network: FID and KID, and the same with EfficientNet-Lite0.

Both come from torchmetrics. FID (Heusel et al. 2017) compares mean and covariance of the features, KID (Binkowski et
al. 2018) their kernel mean embeddings, which needs fewer images.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from patina import torchvision_shim
from patina.errors import PatinaError, WeightsMissing
from patina.hints import install
from patina.metrics.backbones import INCEPTION, backbone_weights, missing_weights
from patina.metrics.image_batch import image_batch
from patina.metrics.set_measures import SET_MEASURES
from patina.system.devices import compute_device

Describe = Callable[[np.ndarray], Tensor]
"""Turns an image, RGB ``[H, W, 3]`` uint8, into features ``[n, d]``."""

TILE = 224
"""Side of the tiles that EfficientNet describes, in pixels; FID and KID resize whole images."""

_SUBSETS, _SUBSET = 100, 100
"""Number of KID's random subsets and their largest size."""


def _open_inception(device: str) -> Describe:
    torchvision_shim.ensure()
    from torchmetrics.image.fid import NoTrainInceptionV3

    weights = backbone_weights(INCEPTION)
    try:
        # torch-fidelity would run what a pickle says; this one holds nothing but the tensors that were read.
        with tempfile.TemporaryDirectory() as folder:
            torch.save(weights, f"{folder}/{INCEPTION}")
            network = NoTrainInceptionV3("inception-v3-compat", ["2048"], f"{folder}/{INCEPTION}")
    except ModuleNotFoundError as error:
        raise WeightsMissing(f"needs torch-fidelity: {install('metrics')}") from error
    except RuntimeError as error:
        raise missing_weights(INCEPTION) from error
    chosen = compute_device(device)
    network = network.to(chosen)
    return lambda image: _described(network, [image], chosen)


def _open_efficientnet(device: str) -> Describe:
    from patina.metrics.efficientnet import EfficientNetFeatures

    chosen = compute_device(device)
    network = EfficientNetFeatures().to(chosen)

    def describe(image: np.ndarray) -> Tensor:
        return _described(lambda batch: network(batch / 255), tiles(image), chosen)

    return describe


@torch.no_grad()
def _described(
    network: nn.Module | Callable[[Tensor], Tensor], images: Iterable[np.ndarray], device: torch.device
) -> Tensor:
    return torch.cat([network(image_batch(image, device, dtype=None)).cpu().double() for image in images])


def tiles(image: np.ndarray) -> list[np.ndarray]:
    """Cut an image into tiles of 224 pixels, from the top left, without the rest; along a smaller side, one tile.

    Raises:
        PatinaError: a side has less than 32 pixels.
    """
    from patina.metrics.efficientnet import SMALLEST

    sides = [min(TILE, length) for length in image.shape[:2]]
    if min(sides) < SMALLEST:
        height, width = image.shape[:2]
        raise PatinaError(
            f"an image of {width}x{height} is too small for EfficientNet, expected sides of {SMALLEST} or more pixels"
        )
    rows, columns = (range(0, length - side + 1, side) for length, side in zip(image.shape[:2], sides, strict=True))
    return [image[top : top + sides[0], left : left + sides[1]] for top in rows for left in columns]


class _Given(nn.Module):
    """Replaces torchmetrics' feature network, because the features are already computed."""

    def __init__(self, count: int):
        super().__init__()
        self.num_features = count

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet_distance(found: Tensor, wanted: Tensor) -> float:
    """Return the Fréchet distance of two sets of features ``[n, d]``, at least two each."""
    torchvision_shim.ensure()
    from torchmetrics.image.fid import FrechetInceptionDistance

    measure = FrechetInceptionDistance(feature=_Given(found.shape[1])).set_dtype(torch.float64)
    measure.update(wanted, real=True)
    measure.update(found, real=False)
    return float(measure.compute())


def kernel_distance(found: Tensor, wanted: Tensor) -> float:
    """Return the kernel distance of two sets of features ``[n, d]``, at least two each; always the same subsets.

    The unbiased estimate can be slightly negative for equal distributions.
    """
    torchvision_shim.ensure()
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(_SUBSET, len(found), len(wanted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the features are kept, which they are in any case
        measure = KernelInceptionDistance(feature=_Given(found.shape[1]), subsets=_SUBSETS, subset_size=size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        measure.update(wanted, real=True)
        measure.update(found, real=False)
        return float(measure.compute()[0])


_OPENED: dict[str, Callable[[str], Describe]] = {"inception": _open_inception, "efficientnet": _open_efficientnet}
_DISTANCES = {"frechet": frechet_distance, "kernel": kernel_distance}


def set_distances(
    keys: Iterable[str], found: Iterable[np.ndarray], wanted: Iterable[np.ndarray], device: str
) -> tuple[dict[str, float], dict[str, str]]:
    """Measure the distances of two sets of images.

    Args:
        keys: of `SET_MEASURES`.
        found, wanted: RGB ``[H, W, 3]`` uint8 images of the results and of what they are compared with; read once.
        device: where networks compute.

    Returns:
        The values, and the reasons why others are missing, by key.
    """
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    describers: dict[str, Describe] = {}
    measures = [SET_MEASURES[key] for key in keys]
    for network in dict.fromkeys(measure.network for measure in measures):
        try:
            describers[network] = _OPENED[network](device)
        except WeightsMissing as error:
            missing |= {measure.key: str(error) for measure in measures if measure.network == network}
    features = [_features(describers, images) for images in (found, wanted)] if describers else []
    for measure in measures:
        if measure.key not in missing:
            first, second = (side[measure.network] for side in features)
            if min(len(first), len(second)) < 2:
                missing[measure.key] = f"{len(first)} and {len(second)} images or tiles, expected 2 or more each"
            else:
                values[measure.key] = _DISTANCES[measure.statistic](first, second)
    return values, missing


def _features(describers: dict[str, Describe], images: Iterable[np.ndarray]) -> dict[str, Tensor]:
    parts: dict[str, list[Tensor]] = {network: [] for network in describers}
    for image in images:
        for network, describe in describers.items():
            parts[network].append(describe(image))
    return {network: torch.cat(found) if found else torch.empty(0, 1) for network, found in parts.items()}
