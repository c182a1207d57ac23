"""What a fit recovers: cameras with planted parameters, and charts taken by the camera and by the fitted recipe."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter

from camera_charts import edge_numbers, noise_numbers
from patina.degradations.execution import apply_plan
from patina.degradations.recipe import load_recipe
from patina.imaging.picture_files import write_picture
from patina.imaging.recompress import jpeg
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.recipe_fit import FitRequest, fit_recipe

pytestmark = pytest.mark.slow

LUMA = np.array([0.299, 0.587, 0.114])
HEIGHT, WIDTH = 320, 448


@dataclass(frozen=True)
class PlantedCamera:
    """A camera with known parameters; stds are in grey levels, lengths in pixels."""

    blur: tuple[float, float] = (0.0, 0.0)
    """Std along and across `direction`."""
    direction: float = 0.0
    sharpen: float = 0.0
    noise: float = 0.0
    gain: float = 0.0
    """Variance is noise² (1 + gain (b / 128 - 1))."""
    grain: float = 0.0
    shared: float = 0.0
    rows: float = 0.0
    quality: int | None = None

    def take(self, pixels: np.ndarray, seed: int) -> np.ndarray:
        """Photograph RGB uint8."""
        rng, picture = np.random.default_rng(seed), pixels.astype(float)
        if max(self.blur):
            picture = cv2.filter2D(picture, -1, self._kernel(), borderType=cv2.BORDER_REFLECT_101)
        if self.noise:
            strength = np.sqrt(np.clip(1 + self.gain * (picture @ LUMA / 128 - 1), 0, None))[..., None]
            own, common = rng.standard_normal(picture.shape), rng.standard_normal((*picture.shape[:2], 1))
            noise = np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * common
            noise = gaussian_filter(noise, (self.grain, self.grain, 0), mode="wrap") if self.grain else noise
            picture = picture + self.noise * strength * noise / noise.std()
        if self.rows:
            picture = picture + self.rows * rng.standard_normal((picture.shape[0], 1, 1))
        if self.sharpen:
            picture = picture + self.sharpen * (picture - gaussian_filter(picture, (1.0, 1.0, 0)))
        whole = np.uint8(np.rint(np.clip(picture, 0, 255)))
        return whole if self.quality is None else jpeg(whole, self.quality)

    def _kernel(self) -> np.ndarray:
        along, across = (max(std, 0.1) for std in self.blur)
        angle = np.radians(self.direction)
        y, x = np.mgrid[-9:10, -9:10]
        u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        kernel = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
        return kernel / kernel.sum()


def photographs() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return 20 clean crops and 20 others, of 0.14 megapixels, from both sides of the same photographs."""
    names = (
        "astronaut",
        "coffee",
        "rocket",
        "stereo_motorcycle",
        "retina",
        "immunohistochemistry",
        "hubble_deep_field",
    )
    left, right = [], []
    for name in names:
        pixels = getattr(skimage.data, name)()
        pixels = pixels[0] if isinstance(pixels, tuple) else pixels
        for flipped in (pixels, pixels[::-1], pixels[:, ::-1]):
            left.append(np.ascontiguousarray(flipped[:HEIGHT, :WIDTH]))
            right.append(np.ascontiguousarray(flipped[-HEIGHT:, -WIDTH:][::-1, ::-1]))
    return left[:20], right[:20]


def fitted(camera: PlantedCamera, folder: Path, family: str = "camera"):
    """Fit a family to the camera's photographs; return what degrades as the fitted recipe does."""
    clean, real = photographs()
    for number, (one, other) in enumerate(zip(clean, real, strict=True)):
        write_picture(folder / "clean" / f"{number:02d}.png", one)
        write_picture(folder / "real" / f"{number:02d}.png", camera.take(other, number))
    fit_recipe(FitRequest(folder / "clean", folder / "real", folder / "fitted.yml", (family,), workers=1))
    recipe = load_recipe(folder / "fitted.yml")

    def take(pixels: np.ndarray, seed: int) -> np.ndarray:
        plan = recipe.draw("", pixels.shape[:2], seed, "chart")
        return values_to_pixels(apply_plan(to_values(pixels), plan), np.uint8)

    return take, recipe


@pytest.mark.long
def test_noise_by_brightness_grain_and_channels_behind_sharpening(tmp_path):
    camera = PlantedCamera(blur=(0.8, 0.8), sharpen=1.0, noise=9, gain=0.6, grain=0.6, shared=0.5)
    take, _ = fitted(camera, tmp_path)
    true, found = noise_numbers(camera.take), noise_numbers(take)
    assert found["std"] == pytest.approx(true["std"], rel=0.1)
    assert found["neighbours"] == pytest.approx(true["neighbours"], abs=0.05)
    assert found["channels"] == pytest.approx(true["channels"], abs=0.08)
    for level in (100, 140):
        assert found[f"variance{level}"] == pytest.approx(true[f"variance{level}"], rel=0.15)
    assert edge_numbers(take)["overshoot"] == pytest.approx(edge_numbers(camera.take)["overshoot"], rel=0.2)


@pytest.mark.long
def test_directed_blur_and_the_quality_of_former_jpegs(tmp_path):
    camera = PlantedCamera(blur=(2.2, 0.9), direction=30, noise=2, quality=88)
    take, recipe = fitted(camera, tmp_path)
    true, found = edge_numbers(camera.take), edge_numbers(take)
    assert found["blur"] == pytest.approx(true["blur"], abs=0.15)
    assert abs((found["direction"] - true["direction"] + 90) % 180 - 90) < 10
    qualities = {choice.steps[-1].quality for choice in recipe.steps[0].choices}
    assert {quality for pair in qualities for quality in pair} <= set(range(83, 94))


@pytest.mark.long
def test_noise_of_whole_rows(tmp_path):
    camera = PlantedCamera(blur=(0.8, 0.8), noise=4, rows=3)
    _, recipe = fitted(camera, tmp_path, "camera-lines")
    steps = [step for choice in recipe.steps[0].choices for step in choice.steps]
    rows, columns = (
        np.mean([getattr(step, name) for step in steps if step.name == "line_noise"]) for name in ("rows", "columns")
    )
    assert rows == pytest.approx(3, rel=0.1)
    assert columns < 0.5
    white = [np.mean(step.sigma) for step in steps if step.name == "sensor_noise"]
    assert np.mean(white) == pytest.approx(4, rel=0.1)
