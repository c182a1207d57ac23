import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from golden_numbers import golden_arrays
from patina.errors import PatinaError
from patina.metrics.luma import to_luma
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim

GOLDEN = golden_arrays("metrics")
NAMES = [str(name) for name in GOLDEN["pair_names"]]
COLUMNS = [str(column) for column in GOLDEN["basicsr_columns"]]


def pair(name):
    return GOLDEN[f"ref_{name}"], GOLDEN[f"dist_{name}"]


@pytest.fixture
def noisy_pair():
    rng = np.random.default_rng(5)
    clean = rng.integers(0, 256, (40, 52, 3), dtype=np.uint8)
    return clean, np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_published_metrics(name, column):
    metric, space, crop = column.split("_")
    expected = GOLDEN["basicsr_values"][NAMES.index(name), COLUMNS.index(column)]
    function, tolerance = (psnr, 1e-6 if space == "rgb" else 1e-5) if metric == "psnr" else (ssim, 1e-7)
    assert function(*pair(name), crop=int(crop[1:]), space=space) == pytest.approx(expected, abs=tolerance, rel=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_equal_to_scikit_image_for_every_type(noisy_pair, dtype):
    peak = {"u": np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1, "f": 1}[np.dtype(dtype).kind]
    factor = {"uint8": 1, "uint16": 257}.get(np.dtype(dtype).name, 1 / 255)
    a, b = (np.asarray(picture * np.float64(factor)).astype(dtype) for picture in noisy_pair)
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=peak), abs=1e-5)
    expected = structural_similarity(
        a.astype(np.float64), b.astype(np.float64), data_range=peak, channel_axis=2,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(a, b) == pytest.approx(expected, abs=1e-7)


def test_range_comes_from_the_type_not_from_the_values():
    dark = np.zeros((16, 16, 3), np.uint8)
    assert psnr(dark, dark + np.uint8(1)) == pytest.approx(20 * np.log10(255))
    assert psnr(dark.astype(np.uint16), dark.astype(np.uint16) + np.uint16(1)) == pytest.approx(20 * np.log10(65535))


def test_equal_pictures():
    picture, _ = pair(NAMES[0])
    assert psnr(picture, picture) == np.inf
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-12)


def test_crop_removes_every_border(noisy_pair):
    a, b = noisy_pair
    assert psnr(a, b, crop=3) == psnr(a[3:-3, 3:-3], b[3:-3, 3:-3])
    assert ssim(a, b, crop=3) == ssim(a[3:-3, 3:-3], b[3:-3, 3:-3])


def test_luma_of_black_and_white():
    np.testing.assert_allclose(to_luma(np.array([[0.0, 0, 0], [1, 1, 1]])), [16 / 255, 235 / 255], atol=1e-15)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[1:], "one shape"),
        (lambda b: b[..., 0], "one shape"),
        (lambda b: b.astype(np.uint16), "one type"),
    ],
)
def test_different_images_are_refused(noisy_pair, metric, change, message):
    with pytest.raises(PatinaError, match=message):
        metric(noisy_pair[0], change(noisy_pair[1]))


def test_unusable_arguments_are_refused(noisy_pair):
    a, b = noisy_pair
    with pytest.raises(PatinaError, match="too small"):
        psnr(a, b, crop=20)
    with pytest.raises(PatinaError, match="11 pixels"):
        ssim(a, b, crop=15)
    with pytest.raises(PatinaError, match="-1"):
        psnr(a, b, crop=-1)
    with pytest.raises(PatinaError, match="hsv"):
        psnr(a, b, space="hsv")
    with pytest.raises(PatinaError, match="3 channels"):
        psnr(a[..., :1], b[..., :1], space="y")
    with pytest.raises(PatinaError, match="int64"):
        psnr(a.astype(np.int64), b.astype(np.int64))
