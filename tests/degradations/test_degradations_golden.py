"""Classical operations against numbers computed by public reference implementations."""

import numpy as np
import pytest
import torch

from golden_numbers import golden_arrays
from patina.degradations import blur, classical_noise, kernels
from patina.degradations.execution import apply_plan
from patina.degradations.plans import Step
from patina.degradations.torch_jpeg import torch_jpeg
from patina.imaging import recompress, resize_filters

KERNELS, LENS, FILTERS, NOISE, JPEG = map(golden_arrays, ("kernels", "lens_blur", "resize_filters", "noise", "jpeg"))


def values(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / np.float32(255)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one.astype(np.float64) - other) ** 2) / 255**2))


MAKERS = {
    "iso": lambda size, sigma: kernels.gaussian(int(size), sigma, sigma),
    "aniso": lambda size, x, y, angle: kernels.gaussian(int(size), x, y, angle),
    "generalized": lambda size, x, y, angle, beta, iso: kernels.generalised_gaussian(
        int(size), x, x if iso else y, angle, beta
    ),
    "plateau": lambda size, x, y, angle, beta, iso: kernels.plateau(int(size), x, x if iso else y, angle, beta),
    "div2krk": lambda size, one, other, angle: kernels.div2krk(one, other, angle, size=int(size)),
}


@pytest.mark.parametrize("family", MAKERS)
def test_kernels(family):
    for index, row in enumerate(KERNELS[f"{family}_params"]):
        np.testing.assert_allclose(MAKERS[family](*row), KERNELS[f"{family}_kernel_{index}"], rtol=0, atol=1e-12)


def test_sinc_kernels():
    for index, (cutoff, size, pad_to) in enumerate(KERNELS["sinc_params"]):
        margin = max(0, int(pad_to - size) // 2)
        found = np.pad(kernels.sinc(int(size), cutoff), margin)
        np.testing.assert_allclose(found, KERNELS[f"sinc_kernel_{index}"], rtol=0, atol=1e-12)


def test_lens_disks_and_their_blur():
    image = values(LENS["img_u8"])
    for key, expected in LENS.items():
        family, _, radius = key.rpartition("_")
        if family == "disk_kernel":
            np.testing.assert_allclose(kernels.disk(float(radius)), expected, rtol=0, atol=1e-6)
        if family == "disk_out":
            found = blur.LensBlur.apply(image, {"radius": float(radius)}, 0)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("row", range(11))
def test_complex_lens(row):
    radius, components, gamma = LENS["complex_params"][row]
    kernel = kernels.complex_lens(radius, int(components))
    np.testing.assert_allclose(kernel, LENS[f"complex_kernel2d_{row}"], rtol=0, atol=1e-5)
    parameters = {"radius": radius, "components": int(components), "exposure_gamma": gamma}
    found = blur.ComplexLensBlur.apply(values(LENS["img64_u8"]), parameters, 0)
    atol = 2e-5 if row in (1, 3) else 5e-6
    np.testing.assert_allclose(found, LENS[f"complex_out_{row}"], rtol=0, atol=atol)


NAMES = {
    "Nearest": "nearest", "Box": "box", "Linear": "linear", "Hermite": "hermite", "CubicCatrom": "catmull_rom",
    "CubicMitchell": "mitchell", "CubicBSpline": "b_spline", "Hamming": "hamming", "Hann": "hann",
    "Lanczos": "lanczos", "Lagrange": "lagrange", "Gauss": "gauss",
}  # fmt: skip


@pytest.mark.parametrize("scale", ["0.25", "1.23"])
@pytest.mark.parametrize("name", NAMES)
def test_resize_filters(name, scale):
    width, height = FILTERS[f"size_{scale}_wh"]
    found = resize_filters.resize(values(FILTERS["img_u8"]), (int(height), int(width)), NAMES[name])
    atol = 0 if name == "Nearest" else 2e-6
    np.testing.assert_allclose(found, FILTERS[f"chainner_{name}_{scale}"], rtol=0, atol=atol)


@pytest.mark.parametrize("scale", ["0.25", "1.23"])
@pytest.mark.parametrize(
    ("name", "key"), [("area", "Box"), ("linear_aliased", "Linear"), ("cubic_aliased", "CubicCatrom")]
)
def test_opencvs_filters(name, key, scale):
    width, height = FILTERS[f"size_{scale}_wh"]
    found = resize_filters.resize(values(FILTERS["img_u8"]), (int(height), int(width)), name)
    np.testing.assert_allclose(found, FILTERS[f"opencv_{key}_{scale}"].clip(0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sigma", [5, 25])
@pytest.mark.parametrize("colour", ["color", "gray"])
def test_gaussian_noise_of_stored_draws(sigma, colour):
    found = classical_noise.add_gaussian(values(NOISE["img_u8"]), NOISE[f"np_gauss_z_{colour}_seed100"], sigma)
    np.testing.assert_allclose(found, NOISE[f"np_gauss_s{sigma}_{colour}_out"], rtol=0, atol=2e-7)
    rounded = NOISE[f"np_gauss_s{sigma}_{colour}_round_u8"]
    np.testing.assert_array_equal(np.rint(found * 255).astype(np.uint8), rounded)


@pytest.mark.parametrize("scale", ["0.5", "1.0", "2.0"])
@pytest.mark.parametrize("colour", ["color", "gray"])
def test_poisson_noise_of_stored_counts(scale, colour):
    base = values(NOISE[f"np_poisson_{colour}_base_u8"])
    counts, white = NOISE[f"np_poisson_{colour}_counts"], float(NOISE[f"np_poisson_{colour}_vals"])
    found = classical_noise.add_poisson(values(NOISE["img_u8"]), base, counts, white, float(scale))
    np.testing.assert_allclose(found, NOISE[f"np_poisson_s{scale}_{colour}_out"], rtol=0, atol=2e-7)


def test_what_photons_are_counted_of():
    base, white = classical_noise.poisson_base(values(NOISE["img_u8"]), gray=False)
    np.testing.assert_array_equal(np.rint(base * 255), NOISE["np_poisson_color_base_u8"])
    assert white == NOISE["np_poisson_color_vals"]
    _, white = classical_noise.poisson_base(values(NOISE["np_poisson_few_u8"]), gray=False)
    assert white == NOISE["np_poisson_few_vals"] == 4
    for index, name in enumerate(["img_u8", "img2_u8"]):
        base, white = classical_noise.poisson_base(values(NOISE[name]), gray=True)
        np.testing.assert_array_equal(np.rint(base * 255), NOISE["pt_poisson_gray_base_u8"][index, 0])
        assert white == NOISE["pt_poisson_gray_vals"][index]


def levels(statistics: np.ndarray, side: tuple[int, int]):
    """Yield each row of the reference's statistics with a flat picture of its level."""
    for row in statistics:
        yield row, np.full((*side, 3), row[1], np.float32)


def test_statistics_of_gaussian_noise():
    checked = 0
    for row, image in levels(NOISE["stat_gauss_s25"], (256, 256)):
        if not 0.4 < row[1] < 0.6:  # the others are clipped here, but not in the reference
            continue
        checked += 1
        found = classical_noise.GaussianNoise.apply(image, {"sigma": 25.0, "gray": bool(row[0])}, 5) - image
        _check_statistics(found, (25 / 255) ** 2, bool(row[0]), 0.03, 0.02)
    assert checked


def test_statistics_of_poisson_noise():
    checked = 0
    for row, image in levels(NOISE["stat_poisson_s1"], (32, 64)):
        if not 0.2 < row[1] < 0.8:
            continue
        # A ramp of all levels beside the flat part makes white stand for 256 counts, as in the reference.
        ramp = np.repeat(np.arange(256, dtype=np.float32) / 255, 8).reshape(32, 64)
        both = np.concatenate([image, np.repeat(ramp[..., None], 3, 2)], 1)
        found = classical_noise.PoissonNoise.apply(both, {"scale": 1.0, "gray": bool(row[0])}, 9) - both
        _check_statistics(found[:, :64], row[11], bool(row[0]), 0.15, 0.1)
        checked += 1
    assert checked


def _check_statistics(found, variance, gray, tolerance, correlation):
    flat = found.reshape(-1, 3)
    assert np.all(np.abs(flat.mean(0)) < 4 * np.sqrt(variance / len(flat)) + 2e-3 * gray)
    np.testing.assert_allclose(flat.var(0), variance, rtol=tolerance)
    between = np.corrcoef(flat.T)[np.triu_indices(3, 1)]
    assert np.all(np.abs(between - gray) < (1e-5 if gray else correlation))


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
@pytest.mark.parametrize("name", ["a", "b"])
def test_jpeg_is_the_codecs(name, quality):
    pixels = JPEG[f"in_{name}"]
    for subsampling, key in (("4:2:0", "cv2"), ("4:4:4", "cv2_444")):
        found = recompress.jpeg(pixels, quality, subsampling).astype(int)
        assert np.abs(found - JPEG[f"{key}_{name}_q{quality}"]).max() <= 2


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
@pytest.mark.parametrize("name", ["a", "b"])
def test_jpeg_in_torch_agrees_with_the_codec(name, quality):
    pixels = JPEG[f"in_{name}"]
    parameters = {"quality": quality, "subsampling": "4:2:0", "codec": "torch"}
    found = apply_plan(values(pixels), (Step("jpeg", parameters, 0),)) * 255
    assert psnr(found, JPEG[f"cv2_{name}_q{quality}"]) > 41
    batch = torch.from_numpy(values(pixels).transpose(2, 0, 1).copy())[None].repeat(2, 1, 1, 1)
    together = torch_jpeg(batch, torch.tensor([quality, 20.0]))
    np.testing.assert_allclose(together[0].numpy().transpose(1, 2, 0) * 255, found, atol=1e-3)
