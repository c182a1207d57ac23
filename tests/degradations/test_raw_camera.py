"""The raw camera against what is known of it: tone curve, demosaicing, and the noise that it is asked for."""

import cv2
import numpy as np
import pytest
import skimage.data

from patina.degradations.raw_camera import RawCamera, demosaiced
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear

PLAIN = {"sigma": 0.0, "read": 0.0, "red": 2.0, "blue": 1.6, "gradient": 1.0}


def test_the_tone_curve_is_srgb_and_undone():
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    assert srgb_to_linear(np.array(0.5)) == pytest.approx(0.21404, abs=1e-5)


def test_demosaicing_keeps_planes_exactly():
    y, x = np.mgrid[:24, :32]
    rgb = np.stack([0.1 + 0.01 * x, 0.2 + 0.01 * y, 0.3 + 0.005 * (x + y)], axis=-1)
    mosaic = np.empty((24, 32))
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = rgb[row::2, column::2, channel]
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(demosaiced(mosaic)[inner], rgb[inner], atol=1e-12)


def test_demosaicing_is_better_than_opencvs_bilinear_one_on_a_photograph():
    image = skimage.data.astronaut()[:256, :256] / 255
    mosaic = image[..., 1].copy()
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = image[0::2, 0::2, 0], image[1::2, 1::2, 2]
    theirs = cv2.cvtColor(np.uint16(np.rint(mosaic * 65535)), cv2.COLOR_BayerBG2BGR)[..., ::-1] / 65535
    error, their_error = (np.square(seen - image)[4:-4, 4:-4].mean() for seen in (demosaiced(mosaic), theirs))
    assert error < their_error


def test_without_gradients_demosaicing_is_opencvs_bilinear_one():
    mosaic = skimage.data.camera()[:128, :128]
    theirs = cv2.cvtColor(mosaic, cv2.COLOR_BayerBG2BGR)[..., ::-1]
    ours = demosaiced(mosaic.astype(np.float64), gradient=0)
    np.testing.assert_allclose(ours[2:-2, 2:-2], theirs[2:-2, 2:-2], atol=0.51)  # they round


@pytest.mark.parametrize("shape", [(32, 48, 3), (33, 47, 3), (1, 1, 3), (2, 1, 3)])
def test_without_noise_gray_pictures_stay_as_they_are(shape):
    gray = np.full(shape, 0.4, np.float32)
    np.testing.assert_allclose(RawCamera.apply(gray, PLAIN, 1), gray, atol=1e-5)


@pytest.mark.parametrize("read", [0.0, 0.5])
def test_green_has_the_stated_noise_at_mid_grey(read):
    gray = np.full((512, 512, 3), 128 / 255, np.float32)
    seen = RawCamera.apply(gray, PLAIN | {"sigma": 5.0, "read": read}, 3)
    own = 255 * (seen - gray)[0::2, 1::2, 1]  # green as it was counted, before any interpolation
    assert own.std() == pytest.approx(5, rel=0.02)
    assert abs(own.mean()) < 0.3  # the tone curve bends, so noise darkens a little
    red = 255 * (seen - gray)[0::2, 0::2, 0]
    # red has half the photons: its shot variance doubles, and the gain multiplies read noise
    expected = 5 * np.sqrt((2 + 4 * read**2) / (1 + read**2))
    assert red.std() == pytest.approx(expected, rel=0.03)


def test_channels_and_neighbours_share_noise():
    gray = np.full((256, 256, 3), 0.5, np.float32)
    noise = RawCamera.apply(gray, PLAIN | {"sigma": 6.0}, 1) - gray
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] > 0.2
    assert np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1] > 0.2
    soft = RawCamera.apply(gray, PLAIN | {"sigma": 6.0, "gradient": 0.0}, 1) - gray
    assert abs(np.corrcoef(soft[..., 0].ravel(), soft[..., 1].ravel())[0, 1]) < 0.05
    assert soft[..., 0].std() < noise[..., 0].std()


@pytest.mark.parametrize("sigma", [1e-300, 1e-12, 1e-6])
def test_noise_that_no_photon_count_holds_is_no_noise(sigma):
    image = skimage.data.astronaut()[:64, :64].astype(np.float32) / 255
    noisy, plain = (RawCamera.apply(image, {**PLAIN, "read": 0.5, "sigma": value}, 1) for value in (sigma, 0.0))
    np.testing.assert_allclose(noisy, plain, atol=1e-4)
