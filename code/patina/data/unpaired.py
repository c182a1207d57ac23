"""Unpaired training batches, half clean and half real: images alone or with their low-resolution conditions."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from patina.data.cache import PictureCache
from patina.data.domains import Domain, ImageDomain, require_size
from patina.data.normalisation import DomainStatistics
from patina.data.order import ShuffledOrder
from patina.data.pairs import orient
from patina.imaging.value_spaces import to_tensor
from patina.seeding import derive, numpy_rng

D = TypeVar("D", bound=ImageDomain)


class BalancedPatches(Dataset[dict[str, Tensor]], Generic[D]):
    """Patches of both domains, alternating; a sample is a function of (seed, step, slot) alone.

    Even slots are clean, odd ones real; every picture of a domain is chosen once an epoch.

    Args:
        clean, real: the two domains.
        patch: side of an image patch in pixels.
        batch: samples in a batch, both domains together; even.
        seed: seed of order, place and orientation.
        cache_mb: decoded pictures kept in memory, in MiB.

    Raises:
        PatinaError: a picture is smaller than the patch.
    """

    def __init__(self, clean: D, real: D, *, patch: int, batch: int, seed: int, cache_mb: int = 512):
        self.domains = (clean, real)
        for domain in self.domains:
            require_size(domain.images, patch, "patch")
        self.patch = patch
        self.batch = batch
        self.seed = seed
        self.orders = [ShuffledOrder(len(domain.images), derive(seed, domain.name)) for domain in self.domains]
        self.cache = PictureCache(cache_mb << 20)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor]:
        """Return one sample.

        Args:
            place: (step, counted from 1, and slot in the batch).

        Returns:
            What `sample` returns, and ``label``, 0 clean or 1 real.
        """
        step, slot = place
        label = slot % 2
        index = self.orders[label]((step - 1) * (self.batch // 2) + slot // 2)
        sample = self.sample(label, index, numpy_rng(self.seed, step, slot))
        return sample | {"label": torch.tensor(float(label))}

    @abstractmethod
    def sample(self, label: int, index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Crop a patch of picture `index` of the domain `label`."""


class UnpairedImages(BalancedPatches[ImageDomain]):
    """Images alone, in the 8 flips and quarter turns; real images are not normalised.

    Args:
        augment: whether to flip and turn.
        clean, real, patch, batch, seed, cache_mb: as in `BalancedPatches`.
    """

    def __init__(self, clean: ImageDomain, real: ImageDomain, *, augment: bool = True, **options: int):
        super().__init__(clean, real, **options)
        self.augment = augment

    def sample(self, label: int, index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return ``image``, ``[3, patch, patch]`` RGB in [0, 1]."""
        pixels = self.cache.get(self.domains[label].images[index])
        top, left = (int(rng.integers(side - self.patch + 1)) for side in pixels.shape[:2])
        pixels = pixels[top : top + self.patch, left : left + self.patch]
        if self.augment:
            pixels = orient(pixels, int(rng.integers(8)))
        return {"image": to_tensor(np.ascontiguousarray(pixels))}


class ImagesInTurn(UnpairedImages):
    """Images of one domain at a time: clean ones up to a step, real ones after it.

    Args:
        clean_steps: the last step with clean images; 0 for none.
        augment, clean, real, patch, batch, seed, cache_mb: as in `UnpairedImages`.
    """

    def __init__(
        self, clean: ImageDomain, real: ImageDomain, *, clean_steps: int, augment: bool = True, **options: int
    ):
        super().__init__(clean, real, augment=augment, **options)
        self.clean_steps = clean_steps

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor]:
        """Return ``image`` as in `UnpairedImages` and ``index``, the image's number in its domain, ``[]``."""
        step, slot = place
        label = int(step > self.clean_steps)
        index = self.orders[label]((step - 1 - label * self.clean_steps) * self.batch + slot)
        return self.sample(label, index, numpy_rng(self.seed, step, slot)) | {"index": torch.tensor(index)}


class UnpairedPatches(BalancedPatches[Domain]):
    """Images with their conditions; real images are normalised to the clean set's statistics.

    Args:
        statistics: statistics of the two domains.
        flip: whether to mirror half of the patches horizontally.
        local: applied to a cropped condition, with the sample's random numbers; None for nothing.
        clean, real, patch, batch, seed, cache_mb: as in `BalancedPatches`; the patch is a multiple of the scale.
    """

    def __init__(
        self,
        clean: Domain,
        real: Domain,
        statistics: DomainStatistics,
        *,
        flip: bool = True,
        local: Callable[[Tensor, np.random.Generator], Tensor] | None = None,
        **options: int,
    ):
        super().__init__(clean, real, **options)
        self.local = local
        self.statistics = statistics
        self.flip = flip

    def sample(self, label: int, index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return ``image``, ``[3, patch, patch]``, and ``condition``, ``[3, patch/scale, patch/scale]``."""
        image, condition = self._crop(self.domains[label], index, rng)
        if label:
            image = self.statistics.normalise_image(image)
            condition = self.statistics.normalise_condition(condition)
        if self.local is not None:
            condition = self.local(condition, rng)
        return {"image": image, "condition": condition}

    def _crop(self, domain: Domain, index: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image = self.cache.get(domain.images[index])
        condition = self.cache.get(domain.conditions[index])
        side = self.patch // domain.scale
        top = int(rng.integers(condition.shape[0] - side + 1))
        left = int(rng.integers(condition.shape[1] - side + 1))
        condition = condition[top : top + side, left : left + side]
        top, left = top * domain.scale, left * domain.scale
        image = image[top : top + self.patch, left : left + self.patch]
        if self.flip and rng.random() < 0.5:
            image, condition = image[:, ::-1], condition[:, ::-1]
        return to_tensor(np.ascontiguousarray(image)), to_tensor(np.ascontiguousarray(condition))
