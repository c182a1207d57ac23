import numpy as np
import pytest
import torch
from skimage import data

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import write_picture
from patina.metrics.efficientnet import EfficientNetDistance, EfficientNetFeatures
from patina.metrics.full_reference import METRICS, measured, open_metrics
from patina.metrics.measure_names import BY_IMAGE, BY_SET, WITHOUT_GT
from patina.metrics.niqe import Niqe
from patina.metrics.set_distances import frechet_distance, kernel_distance
from patina.metrics.set_measures import SET_MEASURES
from patina.pipelines.evaluation import evaluate_folders
from patina.specs.image_losses import EfficientNetSettings

ESPRESSO = 967
"""ImageNet's class."""


def as_batch(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None] / 255


def test_the_light_table_of_names_is_that_of_the_measures():
    assert tuple(METRICS) == BY_IMAGE
    assert tuple(SET_MEASURES) == BY_SET
    assert {key for key, metric in METRICS.items() if not metric.needs_gt} == set(WITHOUT_GT) - set(BY_SET)


def test_published_weights_recognise_a_cup_of_coffee():
    network = EfficientNetFeatures()
    cup = as_batch(centre_crop(data.coffee(), 336))
    cup = torch.nn.functional.interpolate(cup, (224, 224), mode="area")
    with torch.no_grad():
        assert network.fc(network(cup)).argmax() == ESPRESSO


@pytest.mark.slow
def test_a_perceptual_loss_with_real_weights_improves_an_image():
    loss = EfficientNetSettings(type="efficientnet").build()
    gt = as_batch(data.coffee()[100:164, 100:164])
    image = torch.nn.Parameter(torch.nn.functional.avg_pool2d(gt, 5, 1, 2))
    first = loss(image, gt)
    before = [parameter.clone() for parameter in loss.network.parameters()]
    optimiser = torch.optim.Adam([image], 0.005)
    for _ in range(5):
        optimiser.zero_grad()
        loss(image, gt).backward()
        optimiser.step()
    assert loss(image, gt) < 0.9 * first
    assert loss(gt, gt) == 0
    assert all(map(torch.equal, before, loss.network.parameters()))


@pytest.mark.slow
def test_feature_distance_grows_with_noise_and_needs_32_pixels():
    gt, rng = data.coffee()[:64, :64], np.random.default_rng(0)
    noisy = [np.clip(gt + rng.normal(0, std, gt.shape), 0, 255).astype(np.uint8) for std in (3, 20)]
    compare = EfficientNetDistance().compare
    assert 0 == compare(gt, gt) < compare(noisy[0], gt) < compare(noisy[1], gt)
    small = np.ascontiguousarray(gt[:24, :24])
    opened, _ = open_metrics(["psnr", "ms_ssim", "efficientnet", "niqe"], "cpu")
    values, absent = measured(opened, small, small, crop=0, space="rgb")
    assert values == {"psnr": float("inf")}
    assert set(absent) == {"ms_ssim", "efficientnet", "niqe"}


def test_niqe_equals_scikit_video():
    """The numbers are scikit-video 1.1.11's for the same luma; its way of halving differs a little."""
    coffee = data.coffee()
    assert Niqe()(coffee[:, :592]) == pytest.approx(8.56, abs=0.02)
    blurred = np.ascontiguousarray(coffee[:, :592].repeat(2, 0).repeat(2, 1)[:400, :592])
    assert Niqe()(blurred) > 12


def test_distances_of_sets_are_those_of_their_formulas():
    rng = np.random.default_rng(0)
    wanted = torch.from_numpy(rng.normal(size=(40, 3)))
    shift = torch.tensor([3.0, 0.0, 4.0]).double()
    assert frechet_distance(wanted + shift, wanted) == pytest.approx(25, rel=1e-6)
    found = wanted[:30] + 1
    kernel = lambda a, b: (a @ b.T / 3 + 1) ** 3  # noqa: E731
    own = [(kernel(a, a).sum() - kernel(a, a).trace()) / (len(a) * (len(a) - 1)) for a in (found, wanted[:30])]
    expected = sum(own) - 2 * kernel(found, wanted[:30]).mean()
    assert kernel_distance(found, wanted[:30]) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.slow
def test_a_folder_without_ground_truth(tmp_path, capsys, hub):
    photo = data.coffee()
    for name, image in {"a": photo[:, :400], "b": photo[:, 200:]}.items():
        write_picture(tmp_path / "results" / f"{name}.png", np.ascontiguousarray(image[::2, ::2]))
        write_picture(tmp_path / "others" / f"other {name}.png", np.ascontiguousarray(image[:200, :200]))
    where = ["-results", str(tmp_path / "results"), "-out", str(tmp_path / "out")]
    assert run_command("evaluate", where) == 0
    assert "NIQE ↓" in capsys.readouterr().out
    more = ["-against", str(tmp_path / "others"), "-metrics", "efficientnet_fd", "efficientnet_kd", "kid"]
    assert run_command("evaluate", [*where, *more]) == 0
    table = capsys.readouterr().out
    assert "EfficientNet-FD ↓: " in table
    assert "(2 images against 2 in " in table
    assert "KID was not measured: " in table
    assert "SHA-256 6726825d" in table
    with pytest.raises(PatinaError, match="psnr: needs the GT; give -truth"):
        evaluate_folders(tmp_path / "results", None, metrics=["psnr"])
    with pytest.raises(PatinaError, match="kid compares two sets; give the other folder"):
        evaluate_folders(tmp_path / "results", None, metrics=["kid"])
