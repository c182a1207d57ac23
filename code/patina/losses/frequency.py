"""Focal frequency loss: a distance of spectra that emphasises the frequencies with the largest error."""

import torch
from torch import Tensor


def focal_frequency(prediction: Tensor, target: Tensor, alpha: float = 1.0) -> Tensor:
    """Return the weighted squared distance of the 2-D spectra (Jiang et al. 2021, arXiv:2012.12821, equation 8).

    The weight of a frequency is its distance to the power of `alpha`, divided by the largest of its plane (equation 7);
    the gradient treats the weights as constant. The transform is orthonormal.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.
        alpha: emphasis of the hard frequencies; 0 weights all equally.

    Returns:
        A scalar.
    """
    difference = torch.fft.fft2(prediction, norm="ortho") - torch.fft.fft2(target, norm="ortho")
    squared = difference.real**2 + difference.imag**2
    weight = squared.detach() ** (alpha / 2)
    largest = weight.amax(dim=(-2, -1), keepdim=True)
    return ((weight / largest.clamp_min(torch.finfo(weight.dtype).tiny)).clamp(0, 1) * squared).mean()
