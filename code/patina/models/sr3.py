"""SR3: super-resolution by conditional diffusion (Saharia et al. 2021, arXiv 2104.07636).

The U-Net and the schedulers are those of diffusers. Images are in [-1, 1] in this module.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from patina import torchvision_shim
from patina.imaging.value_spaces import infinity_as_nan
from patina.models.diffusion_unet import UNetArchitecture, diffusion_unet
from patina.settings import Settings

KIND = "sr3"
"""Kind of the model files."""

Sampler = Literal["ddpm", "ddim"]
Predict = Callable[[Tensor, Tensor], Tensor]
"""The network as a function of a noisy image and a time."""


class SR3Architecture(UNetArchitecture):
    """The U-Net; every level but the last halves the resolution."""

    scale: int = Field(4, ge=2, le=8)
    """Upscaling factor."""


class DiffusionSchedule(Settings):
    """The noise schedule, linear in the variance."""

    steps: int = Field(2000, ge=2, le=100_000)
    """Number of diffusion steps."""

    first: float = Field(1e-6, gt=0, lt=1)
    """Variance of the noise added in the first step."""

    last: float = Field(1e-2, gt=0, lt=1)
    """Variance of the noise added in the last step."""

    predict: Literal["epsilon", "velocity"] = "epsilon"
    """What the network predicts: the noise (`epsilon`), or `velocity`, a mix of noise and image that works better with
    few sampling steps (Salimans and Ho 2022)."""


class SR3(nn.Module):
    """Denoises an image, conditioned on its LQ copy.

    Args:
        architecture: size of the U-Net.
        schedule: noise schedule.
    """

    def __init__(self, architecture: SR3Architecture, schedule: DiffusionSchedule):
        super().__init__()
        self.architecture = architecture
        self.schedule = schedule
        self.unet = diffusion_unet(architecture, 6, is_global=True)
        self._noise = make_scheduler("ddpm", schedule)

    def forward(self, noisy: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        """Return the noise or the velocity in `noisy`.

        Args:
            noisy: ``[N, 3, H, W]``, sides multiples of ``architecture.multiple``.
            condition: the upscaled LQ image, of the same shape.
            time: ``[N]``, diffusion steps counted from 0.
        """
        return self.unet(torch.cat([condition, noisy], dim=1), time).sample

    def noised(self, pictures: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Return noisy images (Ho et al. 2020, arXiv 2006.11239, equation 4), and the network's target."""
        noisy = self._noise.add_noise(pictures, noise, time)
        if self.schedule.predict == "epsilon":
            return noisy, noise
        return noisy, self._noise.get_velocity(pictures, noise, time)


@torch.no_grad()
def sample(
    predict: Predict, start: Tensor, schedule: DiffusionSchedule, *, sampler: Sampler, steps: int, generator: Any
) -> Tensor:
    """Sample images from noise.

    Args:
        predict: the network with its condition; its time is a scalar tensor.
        start: standard-normal noise ``[N, 3, H, W]``.
        schedule: noise schedule of the training.
        sampler: "ddpm" draws new noise in every step (Ho et al. 2020), "ddim" does not (Song et al. 2021).
        steps: number of steps; SR3 was published with "ddpm" and all steps of the schedule.
        generator: torch generator for the noise of "ddpm".

    Returns:
        Images in [-1, 1].
    """
    scheduler = make_scheduler(sampler, schedule)
    scheduler.set_timesteps(steps, device=start.device)
    pictures = start
    for time in scheduler.timesteps:
        predicted = infinity_as_nan(predict(pictures, time))  # the scheduler would clip it
        pictures = scheduler.step(predicted, time, pictures, generator=generator).prev_sample
    return pictures.clamp(-1, 1)


def make_scheduler(sampler: Sampler, schedule: DiffusionSchedule) -> Any:
    """Return diffusers' scheduler, which clips its estimate of the clean image to [-1, 1]."""
    torchvision_shim.ensure()
    from diffusers import DDIMScheduler, DDPMScheduler

    return (DDPMScheduler if sampler == "ddpm" else DDIMScheduler)(
        num_train_timesteps=schedule.steps,
        beta_start=schedule.first,
        beta_end=schedule.last,
        prediction_type="epsilon" if schedule.predict == "epsilon" else "v_prediction",
        timestep_spacing="trailing",
    )
