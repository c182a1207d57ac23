"""LUD-DIF: two diffusion models that learn noise from unpaired images (Bao et al., "Diffusion Based Unpaired Data
Learning for Inverse Problems").

With enough Gaussian noise on top, real noise cannot be recognised: a real image y + τ_S n is taken for a clean one,
x + τ_V n, where τ_V² = τ_S² + σ² and σ is the std of the real noise. A model of clean images p(x) removes that noise
and gives a weak pair (x', y). A second model, p(y | x), learns from such pairs to make a real image of a clean one.

Both predict the noise in x_s = x + s n (`patina.models.additive_diffusion`). The paper divides the clean and the real
images by the std of their own pixels; here both are divided by one number, so that no contrast changes.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from patina.models.additive_diffusion import column
from patina.models.diffusion_unet import Multipliers, UNetArchitecture, diffusion_unet
from patina.settings import Settings

UNIT = 64.0
"""Grey levels (8-bit) in one unit of the networks' values and noise levels."""

IMAGE_CHANNELS = 3
_LARGEST = 5.0
"""Differences of images, in stds of the added noise, are compressed to below this."""

_LEAST = 1e-4
LEAD = 0.02
"""How much less noise the condition has than the real image, as a fraction of the level where sampling begins: one of
50 steps, the published number."""


class LUDDIFArchitecture(UNetArchitecture):
    """Size of each of the two U-Nets; every level but the last halves the resolution."""

    channels: int = Field(32, ge=8, le=1024, multiple_of=8)
    """Channels of the finest level, before `multipliers`."""

    multipliers: Multipliers = Field((1, 2, 2), min_length=2, max_length=8)
    """Channels of each level as a multiple of `channels`, finest level first."""

    attention: tuple[int, ...] = ()
    """Levels with self-attention, 0 the finest; if there are any, the middle of the U-Net has it, too."""

    blocks: int = Field(1, ge=1, le=64)
    """Residual blocks in each level."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability."""


class LUDDIFLevels(Settings):
    """Std (8-bit) of the Gaussian noise at every place where LUD-DIF adds some."""

    real: float | None = Field(None, gt=0, le=1024)
    """Noise on a real image that hides its own noise (the paper's τ_S), to make a weak pair. null: half of the std of
    the image's own noise."""

    clean: float | None = Field(None, gt=0, le=1024)
    """Noise in it once it is taken for a clean image (τ_V). null: √(`real`² + its own noise's std²)."""

    start: float | None = Field(None, gt=0, le=1024)
    """Noise on a real image where sampling begins. null: as much as `real`, the paper's choice. Noise far from
    Gaussian, such as salt and pepper, needs more than hides it to begin with."""

    condition: float | None = Field(None, ge=0, le=1024)
    """Most noise on the clean image that a real one is sampled for; it hides what is wrong with the pairs. null: as
    much as `real`. 0 shows the clean image as it is."""

    def hiding(self, strength: Tensor) -> Tensor:
        """Return τ_S for images whose own noise has the std `strength`, ``[N]``, all in 8-bit grey levels."""
        return strength / 2 if self.real is None else torch.full_like(strength, self.real)

    def hidden(self, strength: Tensor) -> Tensor:
        """Return τ_V; as in `hiding`."""
        if self.clean is not None:
            return torch.full_like(strength, self.clean)
        return torch.hypot(self.hiding(strength), strength)

    def starting(self, strength: Tensor) -> Tensor:
        """Return the noise on a real image where sampling begins; as in `hiding`."""
        return self.hiding(strength) if self.start is None else torch.full_like(strength, self.start)

    def starting_clean(self, strength: Tensor) -> Tensor:
        """Return the noise that a clean image needs to be taken for such a real one; as in `hiding`."""
        if self.start is None:
            return self.hidden(strength)
        return torch.hypot(self.starting(strength), strength)

    def on_condition(self, level: Tensor, strength: Tensor) -> Tensor:
        """Return the noise on the clean image while a real one has the noise `level`; as in `hiding`."""
        most = self.hiding(strength) if self.condition is None else torch.full_like(strength, self.condition)
        return torch.minimum((level - LEAD * self.starting(strength)).clamp(min=0), most)


class NoisePredictor(nn.Module):
    """Predicts the noise in clean images."""

    def __init__(self, architecture: LUDDIFArchitecture, others: int = 0):
        super().__init__()
        self.unet = diffusion_unet(architecture, IMAGE_CHANNELS + others, is_global=bool(architecture.attention))

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        """Return the noise in x_s, ``[N, 3, H, W]``, of levels s, ``[N]``; sides are multiples of the U-Net's."""
        return self.unet(scaled(noisy, level), time_of(level)).sample


class RealNoisePredictor(NoisePredictor):
    """Predicts the noise in real images, given the clean image and the std of the real image's own noise.

    One more input is the difference of both images in units of the noise that was added to them. At low levels, no
    network would find such small differences by itself; it needs them where most values have no noise of their own.
    """

    def __init__(self, architecture: LUDDIFArchitecture):
        super().__init__(architecture, 2 * IMAGE_CHANNELS + 1)

    def forward(  # type: ignore[override]
        self, noisy: Tensor, level: Tensor, condition: Tensor, condition_level: Tensor, strength: Tensor
    ) -> Tensor:
        """Return the noise in y_s, ``[N, 3, H, W]``.

        Args:
            noisy, level: y_s and s, ``[N]``.
            condition, condition_level: the clean image with noise, and the noise's level, ``[N]``.
            strength: std of the real image's own noise, ``[N]``, in `UNIT`.
        """
        own = column(strength).expand(-1, 1, *noisy.shape[-2:]).to(noisy)
        added = column(torch.hypot(level, condition_level).clamp(min=_LEAST))
        difference = _LARGEST * torch.tanh((noisy - condition) / added / _LARGEST)
        inputs = torch.cat([scaled(noisy, level), scaled(condition, condition_level), difference, own], dim=1)
        return self.unet(inputs, time_of(level)).sample


class LUDDIF(nn.Module):
    """The model of clean images and the model of real images.

    Args:
        architecture: size of each.
        has_clean: whether there is a model of clean images; pairs that a restoration network makes need none.
    """

    def __init__(self, architecture: LUDDIFArchitecture, has_clean: bool = True):
        super().__init__()
        self.architecture = architecture
        self.clean = NoisePredictor(architecture) if has_clean else None
        self.real = RealNoisePredictor(architecture)


def scaled(noisy: Tensor, level: Tensor) -> Tensor:
    """Return x_s / √(1 + s²), whose variance does not depend on s for images of variance 1."""
    return noisy / column((1 + level**2).sqrt())


def time_of(level: Tensor) -> Tensor:
    """Return the U-Net's time of levels s in `UNIT`: about 0 to 1000, by the logarithm of s."""
    return 100 * torch.log1p(1000 * level)


def to_units(image: Tensor) -> Tensor:
    """Turn RGB in [0, 1] into the networks' values."""
    return (image - 0.5) * (255 / UNIT)


def from_units(values: Tensor) -> Tensor:
    """Undo `to_units`; not clamped."""
    return values * (UNIT / 255) + 0.5
