"""Images as networks take them: batches of one image, channels first."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def image_batch(image: np.ndarray, device: str | torch.device = "cpu", dtype: Any = np.float32) -> Tensor:
    """Return an image ``[H, W, C]`` as a batch ``[1, C, H, W]``.

    Args:
        image: the image.
        device: where the batch lies.
        dtype: its numpy type; None keeps the image's.
    """
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype))[None].to(device)
