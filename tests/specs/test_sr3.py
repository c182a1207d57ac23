"""SR3: the diffusion against its formulas, and training and sampling as a user runs them."""

import json

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.data.augmentation import Augmentation
from patina.data.clean_tiles import CleanTiles
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.model_files import load_model_file, stored_kind
from patina.models.sr3 import SR3, DiffusionSchedule, SR3Architecture, sample
from patina.models.sr3_upscaling import SR3Upscaler
from patina.runs.run_log import read_log
from patina.seeding import numpy_rng
from sets import picture, write_config, write_pictures

SCHEDULE = DiffusionSchedule(steps=40, first=1e-3, last=0.3)
TINY = SR3Architecture(channels=8, multipliers=(1, 2), attention=(1,), blocks=1, dropout=0.0)


def kept(schedule: DiffusionSchedule) -> np.ndarray:
    """Return the product of 1 - beta up to each time: Ho et al. 2020, above equation 4."""
    return np.cumprod(1 - np.linspace(schedule.first, schedule.last, schedule.steps))


@pytest.mark.parametrize("predict", ["epsilon", "velocity"])
def test_noised_pictures_and_targets_are_the_formulas(predict):
    schedule = SCHEDULE.model_copy(update={"predict": predict})
    x, e, time = torch.randn(3, 3, 4, 4), torch.randn(3, 3, 4, 4), torch.tensor([0, 17, 39])
    noisy, wanted = SR3(TINY, schedule).noised(x, e, time)
    a = torch.from_numpy(kept(schedule))[time].float()[:, None, None, None]
    torch.testing.assert_close(noisy, a.sqrt() * x + (1 - a).sqrt() * e)
    torch.testing.assert_close(wanted, e if predict == "epsilon" else a.sqrt() * e - (1 - a).sqrt() * x)


@pytest.mark.parametrize(("sampler", "steps"), [("ddim", 4), ("ddim", 40), ("ddpm", 40)])
@pytest.mark.parametrize("predict", ["epsilon", "velocity"])
def test_sampling_with_a_network_that_knows_finds_the_picture(sampler, steps, predict):
    schedule = SCHEDULE.model_copy(update={"predict": predict})
    truth = torch.rand(1, 3, 6, 6) * 2 - 1

    def knows(noisy, time):
        a = float(kept(schedule)[int(time)])
        noise = (noisy - a**0.5 * truth) / (1 - a) ** 0.5
        return noise if predict == "epsilon" else a**0.5 * noise - (1 - a) ** 0.5 * truth

    generator = torch.Generator().manual_seed(0)
    start = torch.randn(truth.shape, generator=generator)
    result = sample(knows, start, schedule, sampler=sampler, steps=steps, generator=generator)
    torch.testing.assert_close(result, truth, atol=0.05 if steps == 4 else 0.01, rtol=0)


def test_ddpm_draws_noise_on_the_way_and_ddim_does_not():
    start = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))

    def drawn(sampler, seed):
        generator = torch.Generator().manual_seed(seed)
        return sample(lambda x, t: 0.9 * x, start, SCHEDULE, sampler=sampler, steps=40, generator=generator)

    assert torch.equal(drawn("ddim", 0), drawn("ddim", 1))
    assert torch.equal(drawn("ddpm", 0), drawn("ddpm", 0))
    assert not torch.equal(drawn("ddpm", 0), drawn("ddpm", 1))


def test_the_network_looks_at_its_condition_and_has_attention_where_asked():
    torch.manual_seed(0)
    network = SR3(TINY, SCHEDULE)
    names = [name for name, _ in network.unet.named_modules()]
    assert any(name.startswith("down_blocks.1.attentions") for name in names)
    assert not any(name.startswith("down_blocks.0.attentions") for name in names)
    noisy, time = torch.randn(1, 3, 8, 8), torch.tensor([3])
    results = [network(noisy, condition, time) for condition in (torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8))]
    assert (results[0] - results[1]).abs().max() > 1e-3


class Pointwise(torch.nn.Module):
    """A network whose every pixel sees itself alone, so that tiles cannot matter."""

    architecture, schedule = TINY, SCHEDULE

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.7))

    def forward(self, noisy, condition, time):
        return self.weight * (noisy - condition)


@pytest.mark.parametrize("size", [(9, 7), (20, 33)])
def test_pictures_of_any_size_are_sampled_without_seams(size):
    small = picture(3, *size)
    whole, tiled = (
        SR3Upscaler(Pointwise(), side=side, sampler="ddpm", steps=40)(small) for side in (256, 16)
    )  # fmt: skip
    assert whole.shape == (4 * size[0], 4 * size[1], 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    again = SR3Upscaler(Pointwise(), side=256, sampler="ddpm", steps=40)(small)
    other = SR3Upscaler(Pointwise(), side=256, sampler="ddpm", steps=40, seed=1)(small)
    assert np.array_equal(again, whole)
    assert not np.array_equal(other, whole)


# Data


def squares(folder, augment=None, **options):
    options = {"side": 32, "scale": 4, "batch": 2, "seed": 0} | options
    return CleanTiles(list_pictures(folder), augment=augment or Augmentation(flip=0.0), **options)


def test_a_condition_is_the_square_shrunk_and_enlarged(tmp_path):
    folder = write_pictures(tmp_path, 2, height=32, width=32)
    sample_ = squares(folder)[1, 0]
    shown = [to_tensor(read_picture(path).pixels) for path in list_pictures(folder)]
    assert any(torch.equal(sample_["gt"], item) for item in shown)
    truth = sample_["gt"].permute(1, 2, 0).double().numpy()
    expected = imresize(imresize(truth, 0.25).clip(0, 1), 4).clip(0, 1)
    np.testing.assert_allclose(sample_["condition"].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_an_epoch_sees_every_picture_once(tmp_path):
    data = squares(write_pictures(tmp_path, 4, height=32, width=32))
    seen = {data[step, slot]["gt"].numpy().tobytes() for step in (1, 2) for slot in (0, 1)}
    assert (data.epoch, len(seen)) == (2, 4)


def test_augmentations_do_what_they_say():
    image = to_tensor(picture(0, 24, 24)) * 0.8 + 0.1

    def changed(**settings):
        return Augmentation(**{"flip": 0.0} | settings)(image, numpy_rng(5))

    assert torch.equal(changed(), image)
    assert torch.equal(changed(flip=1.0), image.flip(-1))
    brighter = changed(colour=1.0, brightness=0.5)
    factors = (brighter / image)[(brighter > 0) & (brighter < 1)]
    torch.testing.assert_close(factors.min(), factors.max(), atol=1e-4, rtol=0)
    assert abs(factors.mean() - 1) > 0.01
    gray = image.mean(0, keepdim=True).expand_as(image)
    torch.testing.assert_close(
        Augmentation(flip=0, colour=1, saturation=0.5, hue=0.1)(gray, numpy_rng(1)), gray, atol=1e-3, rtol=0
    )
    softer, sharper = (changed(sharpness=1.0, sharpness_range=(f, f)) for f in (0.0, 2.0))
    steepness = [float(item.diff(dim=-1).abs().mean()) for item in (softer, image, sharper)]
    assert steepness == sorted(steepness)
    assert steepness[0] < steepness[2]


# Training, as a user runs it


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"), 5, height=40, width=36)


def config(pictures, tmp_path, **training) -> dict:
    return {
        "task": "sr3",
        "name": "tiny",
        "runs": str(tmp_path / "runs"),
        "model": {"channels": 8, "multipliers": [1, 2], "attention": [1], "blocks": 1},
        "schedule": {"steps": 10, "first": 1e-3, "last": 0.5},
        "sampling": {"sampler": "ddim", "steps": 3},
        "data": {"pictures": str(pictures), "side": 32, "batch": 2, "workers": 0},
        "validation": {"pictures": str(pictures), "count": 2},
        "training": {"epochs": 2, "sample_every": 4, "log_every": 1, "ema": 0.5} | training,
    }


def train(tmp_path, values: dict) -> None:
    path = write_config(tmp_path / "tiny.yml", values)
    assert run_command("train", ["-opt", str(path), "-device", "cpu"]) == 0


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(folder, config(pictures, folder))
    return folder / "runs/tiny"


def test_epochs_checkpoints_and_samples(trained):
    lines = read_log(trained)
    assert max(line["step"] for line in lines) == 6  # 5 pictures in batches of 2: 3 steps an epoch
    assert sorted(path.stem for path in (trained / "models").iterdir()) == ["epoch-1", "final"]
    assert sorted(path.name for path in (trained / "previews").iterdir()) == ["0000004", "0000006"]
    found = next(line for line in lines if line["part"] == "valid")
    assert found.keys() >= {"psnr", "ssim", "psnr_bicubic", "ssim_bicubic"}
    assert read_picture(trained / "previews/0000006/samples.png").width > 3 * 32


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(pictures, trained, tmp_path):
    values = config(pictures, tmp_path)
    train(tmp_path, values)
    run = tmp_path / "runs/tiny"
    (run / "training_state/6.state").unlink()
    (run / "models/final.safetensors").unlink()
    train(tmp_path, values)
    whole, resumed = (load_model_file(item / "models/final.safetensors").weights for item in (trained, run))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_file_holds_the_average(pictures, trained):
    final = load_model_file(trained / "models/final.safetensors")
    assert (final.kind, final.step, final.configuration["sampler"]) == ("sr3", 6, "ddim")
    state = torch.load(trained / "training_state/6.state", weights_only=True)["task"]
    name = "unet.conv_in.weight"
    assert torch.equal(final.weights[name], state["ema"][f"module.{name}"])
    assert not torch.equal(final.weights[name], state["sr3"]["network"][name])


@pytest.mark.slow
def test_upscaling_takes_samplers_and_refuses_what_means_nothing(trained, pictures, tmp_path, capsys):
    model = str(trained / "models/final.safetensors")
    assert stored_kind(trained / "models/final.safetensors") == "sr3"
    small = write_pictures(tmp_path / "small", 1, height=9, width=12)

    def upscale(out, *flags):
        arguments = ["-model", model, "-source", str(small), "-out", str(tmp_path / out), "-device", "cpu", *flags]
        return run_command("upscale", arguments)

    assert upscale("own") == upscale("again") == upscale("ddpm", "-sampler", "ddpm", "-steps", "5") == 0
    pixels = {out: read_picture(tmp_path / out / "0.png").pixels for out in ("own", "again", "ddpm")}
    assert pixels["own"].shape == (36, 48, 3)
    assert np.array_equal(pixels["own"], pixels["again"])
    assert not np.array_equal(pixels["own"], pixels["ddpm"])
    header = json.loads((tmp_path / "ddpm/log.jsonl").read_text().splitlines()[0])
    assert (header["settings"]["sampler"], header["settings"]["steps"]) == ("ddpm", 5)
    for flags, text in (
        (("-steps", "11"), "expected 1 to 10"),
        (("-scale", "2"), "upscales by 4, not by 2"),
        (("-tile", "64"), "leave -tile and -overlap out"),
    ):
        assert upscale("refused", *flags) == 2
        assert text in capsys.readouterr().err
    source = ["-source", str(small), "-out", str(tmp_path / "refused")]
    assert run_command("upscale", ["-model", "bicubic", "-scale", "2", "-steps", "3", *source]) == 2
    assert "bicubic is not a diffusion model" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"data": {"side": 30}}, "data.side is 30, expected a multiple of 4"),
        ({"sampling": {"steps": 11}}, "sampling.steps is 11, expected at most the schedule's 10"),
        ({"model": {"attention": [2]}}, "attention is at level 2"),
        ({"training": {"epoch": 2}}, "training.epoch: unknown key, did you mean epochs"),
    ],
)
def test_settings_that_do_not_fit_are_refused(pictures, tmp_path, capsys, change, text):
    values = config(pictures, tmp_path)
    for block, settings in change.items():
        values[block] = values[block] | settings
    assert run_command("train", ["-opt", str(write_config(tmp_path / "tiny.yml", values))]) == 2
    assert text in capsys.readouterr().err
