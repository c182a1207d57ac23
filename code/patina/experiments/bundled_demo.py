"""The main job on photographs that come with scikit-image, with a degradation whose ground truth is known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from patina.degradations.camera import Camera
from patina.errors import PatinaError
from patina.experiments.demo_folders import (
    BICUBIC,
    SCALE,
    TRAINED_ON_BICUBIC,
    TRAINED_ON_LEARNED,
    DemoFolders,
)
from patina.experiments.demo_results import write_results
from patina.experiments.learned_methods import degrade_folder
from patina.experiments.narration import say
from patina.experiments.parallel_training import processes, require_finished
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.training_run import train_config
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.runs.fingerprint import file_digest
from patina.seeding import derive, numpy_rng
from patina.specs.configuration import load_config
from patina.specs.deflow_spec import DeFlowConfig
from patina.specs.learned_spec import learned_degradation
from patina.specs.paired_data import LowQuality
from patina.specs.restoration_spec import RestorationConfig
from patina.system.atomic import write_text

PHOTOGRAPHS = {
    "clean": ("astronaut", "stereo_motorcycle", "grass", "camera", "moon"),
    "real": ("rocket", "retina", "coins", "gravel", "brick"),
    "held_out": ("chelsea", "coffee"),
}
"""Names in `skimage.data`; all of them are in its wheel."""

MULTIPLE = 16
"""Sides are cropped to a multiple of it, so that every copy of a picture fits the others."""

JPEG_QUALITY = 90
SMOKE_STEPS = 2
STATEMENT = "demo.json"
AnyConfig = TypeVar("AnyConfig", DeFlowConfig, RestorationConfig)


@dataclass(frozen=True)
class DemoRequest:
    """A run of the demo.

    Attributes:
        out: a folder for everything that the demo writes.
        seed: of the camera and of DeFlow.
        seeds: of the super-resolution networks.
        smoke: whether to train for `SMOKE_STEPS` only, to see that everything works.
        device: where to compute.
    """

    out: Path
    seed: int = 0
    seeds: tuple[int, ...] = (0, 1, 2)
    smoke: bool = False
    device: str = "auto"


def run_demo(request: DemoRequest) -> str:
    """Run the demo; what an earlier call has finished is kept.

    Returns:
        The tables, Markdown.

    Raises:
        PatinaError: the folder holds another demo, or a training was interrupted.
    """
    folders, device = DemoFolders(request.out), request.device
    _claim(request)
    deflow = _deflow_config(request)
    say("1/5 photographs: clean ones, and real ones from a camera whose degradation no training sees")
    take_photographs(folders, request.seed)
    say("2/5 multi-scale sets")
    prepare(folders.photographs("clean"), folders.clean_set, [1, SCALE, SCALE * deflow.model.scale])
    prepare(folders.photographs("real"), folders.real_set, [1, deflow.model.scale])
    say(f"3/5 DeFlow learns the degradation ({deflow.training.steps} steps, a few minutes)")
    say(f"    beside it, x{SCALE} networks learn from bicubic pairs, one for each of the seeds {list(request.seeds)}")
    bicubic, learned = (
        [_restoration_config(request, method, seed) for seed in request.seeds]
        for method in (TRAINED_ON_BICUBIC, TRAINED_ON_LEARNED)
    )
    with processes() as pool:
        degradation = pool.submit(train_config, deflow, device)
        trained = [pool.submit(train_config, config, device) for config in bicubic]
        require_finished(degradation.result())
        say("4/5 the learned degradation onto the clean pictures, and the same networks on learned pairs")
        _degrade(deflow, folders.clean_set / f"{SCALE}x", folders.learned, device)
        trained += [pool.submit(train_config, config, device) for config in learned]
        _degrade(deflow, folders.photographs("held_out_2x"), folders.held_out_learned, device)
        for training in trained:
            require_finished(training.result())
    say("5/5 measured on held-out pictures with the true degradation")
    _upscale_held_out(folders, bicubic, learned, device)
    return write_results(folders, request.seeds)


def take_photographs(folders: DemoFolders, seed: int) -> None:
    """Write the clean, the real and the held-out pictures as a user would have them."""
    for part, names in PHOTOGRAPHS.items():
        for name in names:
            photograph = _bundled(name)
            if part == "real":
                _photograph(photograph, folders.photographs("real") / f"{name}.jpg", seed)
                continue
            write_picture(folders.photographs(part) / f"{name}.png", photograph)
            if part == "held_out":
                half = imresize(photograph, 1 / SCALE)
                write_picture(folders.photographs("held_out_2x") / f"{name}.png", half)
                _photograph(photograph, folders.photographs("held_out_real") / f"{name}.jpg", seed)


def _claim(request: DemoRequest) -> None:
    """State which demo a folder holds; its pictures and models are of one camera and one length of training."""
    statement = request.out / STATEMENT
    text = json.dumps({"seed": request.seed, "smoke": request.smoke}) + "\n"
    if statement.is_file() and statement.read_text(encoding="utf-8") != text:
        raise PatinaError(
            f"{request.out} holds a demo of another -seed or length, see {statement}; choose another -out"
        )
    write_text(statement, text)


def _degrade(config: DeFlowConfig, source: Path, out: Path, device: str) -> None:
    """Put the degradation that the demo's DeFlow has learned onto a folder of clean pictures."""
    model = config.final_model()
    degrade_folder(learned_degradation(model, device=device), file_digest(model), source, out, config.seed)


def _upscale_held_out(
    folders: DemoFolders, bicubic: Sequence[RestorationConfig], learned: Sequence[RestorationConfig], device: str
) -> None:
    """Upscale the camera's copies of the held-out pictures with every method."""
    source = folders.photographs("held_out_real")
    upscale(UpscaleRequest(BICUBIC, source, folders.upscaled(BICUBIC, 0), scale=SCALE))
    for method, configs in ((TRAINED_ON_BICUBIC, bicubic), (TRAINED_ON_LEARNED, learned)):
        for config in configs:
            model = config.final_model()
            upscale(UpscaleRequest(model, source, folders.upscaled(method, config.seed), device=device))


def _deflow_config(request: DemoRequest) -> DeFlowConfig:
    folders, config = DemoFolders(request.out), load_config("DeFlow-demo")
    clean = config.data.clean.model_copy(update={"folder": folders.clean_set})
    real = config.data.real.model_copy(update={"folder": folders.real_set})
    data = config.data.model_copy(update={"clean": clean, "real": real})
    config = config.model_copy(update={"data": data, "seed": request.seed, "runs": request.out / "runs"})
    return _shortened(config) if request.smoke else config


def _restoration_config(request: DemoRequest, method: str, seed: int) -> RestorationConfig:
    """Return the configuration of one x2 network; the methods differ only in their pairs."""
    folders, config = DemoFolders(request.out), load_config("SR-demo")
    lq = folders.learned if method == TRAINED_ON_LEARNED else folders.clean_set / f"{SCALE}x"
    name = f"SR-{method.split()[-1]}-seed{seed}"
    data = config.data.model_copy(update={"lq": (LowQuality(path=lq),), "gt": folders.clean_set / "1x"})
    config = config.model_copy(update={"name": name, "data": data, "seed": seed, "runs": request.out / "runs"})
    return _shortened(config) if request.smoke else config


def _shortened(config: AnyConfig) -> AnyConfig:
    """Return the configuration with `SMOKE_STEPS` of training."""
    if isinstance(config, DeFlowConfig):
        return config.model_copy(update={"training": config.training.model_copy(update={"steps": SMOKE_STEPS})})
    stages = tuple(stage.model_copy(update={"steps": SMOKE_STEPS}) for stage in config.stages)
    return config.model_copy(update={"stages": stages})


def _bundled(name: str) -> np.ndarray:
    """Return one of scikit-image's photographs, RGB uint8, cropped to the multiple."""
    import skimage.data

    pixels = getattr(skimage.data, name)()
    pixels = pixels[0] if isinstance(pixels, tuple) else pixels
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(crop_to_multiple(pixels, MULTIPLE)[..., :3])


def _photograph(scene: np.ndarray, path: Path, seed: int) -> None:
    camera, key = Camera(), derive(seed, "camera", path.name)
    seen = camera.apply(to_tensor(scene), camera.draw(numpy_rng(key, "parameters")), key)
    write_picture(path, to_pixels(seen, np.uint8), quality=JPEG_QUALITY)
