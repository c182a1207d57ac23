"""Losses on structure and texture: MS-SSIM and DISTS, both computed by torchmetrics."""

from torch import Tensor, nn

from patina import torchvision_shim
from patina.metrics.dists import dists_network

torchvision_shim.ensure()  # torchmetrics imports torchvision

from torchmetrics.functional.image import multiscale_structural_similarity_index_measure  # noqa: E402

_WINDOW = 11
_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim_loss(prediction: Tensor, target: Tensor, scales: int = 5) -> Tensor:
    """Return 1 minus the multi-scale SSIM (Wang, Simoncelli, Bovik 2003).

    Similarities s enter as (1 + s) / 2, because negative ones, which occur early in training, have no real powers.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]`` in [0, 1], sides of at least 11 (scales - 1)^2.
        scales: 1 to 5; fewer than 5 are the finest ones, with exponents normalised to sum 1.

    Returns:
        A scalar, 0 for equal pictures.
    """
    exponents = _EXPONENTS[:scales]
    similarity = multiscale_structural_similarity_index_measure(
        prediction,
        target,
        sigma=1.5,
        kernel_size=_WINDOW,
        data_range=1.0,
        betas=tuple(exponent / sum(exponents) for exponent in exponents),
        normalize="simple",
    )
    return 1 - similarity


class DistsLoss(nn.Module):
    """Deep image structure and texture similarity (Ding et al. 2020, arXiv:2004.07728); its weights are frozen.

    Raises:
        WeightsMissing: the VGG16 weights are not on this machine and cannot be downloaded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = dists_network("or train without `dists`")

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean distance of two batches.

        Args:
            prediction, target: RGB ``[N, 3, H, W]`` in [0, 1], sides of at least 32 pixels.

        Returns:
            A scalar, 0 for equal pictures.
        """
        return self.network(prediction, target, require_grad=True).mean()
