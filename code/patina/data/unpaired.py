"""Unpaired training batches: half clean, half real, each image with its low-resolution condition."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from patina.data.cache import PictureCache
from patina.data.domains import Domain, require_size
from patina.data.normalisation import DomainStatistics
from patina.data.order import ShuffledOrder
from patina.imaging.files import to_tensor
from patina.seeding import derive, numpy_rng


class UnpairedPatches(Dataset):
    """Aligned patches of both domains; a sample is a function of (seed, step, slot) alone.

    Even slots are clean, odd ones real and normalised to the clean set's statistics.

    Args:
        clean, real: the two domains.
        statistics: of the same domains.
        patch: side of an image patch in pixels, a multiple of the scale.
        batch: samples in a batch, both domains together; even.
        seed: of order, place and flip.
        flip: whether to mirror half of the patches horizontally.
        cache_mb: decoded pictures kept in memory, in MiB.

    Raises:
        PatinaError: a picture is smaller than the patch.
    """

    def __init__(
        self,
        clean: Domain,
        real: Domain,
        statistics: DomainStatistics,
        *,
        patch: int,
        batch: int,
        seed: int,
        flip: bool = True,
        cache_mb: int = 512,
    ):
        self.domains = (clean, real)
        for domain in self.domains:
            require_size(domain.images, patch, "patch")
        self.statistics = statistics
        self.patch = patch
        self.batch = batch
        self.seed = seed
        self.flip = flip
        self.orders = [ShuffledOrder(len(domain.images), derive(seed, domain.name)) for domain in self.domains]
        self.cache = PictureCache(cache_mb << 20)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor]:
        """Return one sample.

        Args:
            place: (step, counted from 1, and slot in the batch).

        Returns:
            ``image`` ``[3, patch, patch]``, ``condition`` ``[3, patch/scale, patch/scale]``, both RGB in
            [0, 1], and ``label``, 0 clean or 1 real.
        """
        step, slot = place
        label = slot % 2
        domain = self.domains[label]
        index = self.orders[label]((step - 1) * (self.batch // 2) + slot // 2)
        image, condition = self._crop(domain, index, numpy_rng(self.seed, step, slot))
        if label:
            image = self.statistics.normalise_image(image)
            condition = self.statistics.normalise_condition(condition)
        return {"image": image, "condition": condition, "label": torch.tensor(float(label))}

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
