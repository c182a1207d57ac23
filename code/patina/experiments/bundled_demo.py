"""The main job on photographs that come with scikit-image, with a degradation whose truth is known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from patina.degradations.camera import Camera
from patina.errors import PatinaError
from patina.experiments.parallel_training import spread
from patina.imaging.picture_files import list_pictures, read_picture, to_pixels, to_tensor, write_picture
from patina.imaging.resize import imresize
from patina.imaging.sheets import sheet
from patina.pipelines.noise_comparison import noise_table
from patina.pipelines.scores import evaluate_folders
from patina.pipelines.translation import Record, translate_folder
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.runs.fingerprint import file_digest
from patina.seeding import derive, numpy_rng
from patina.specs.configuration import load_config
from patina.specs.learned_objects import learned_degradation
from patina.specs.learned_settings import DeFlowConfig
from patina.specs.restoration_settings import LowQuality, RestorationConfig
from patina.system.atomic import write_text

PHOTOGRAPHS = {
    "clean": ("astronaut", "stereo_motorcycle", "grass", "camera", "moon"),
    "real": ("rocket", "retina", "coins", "gravel", "brick"),
    "held_out": ("chelsea", "coffee"),
}
"""Names in `skimage.data`; all of them are in its wheel."""

SCALE = 2
MULTIPLE = 16
"""Sides are cropped to it, so that every copy of a picture fits the others."""

JPEG_QUALITY = 90
SMOKE_STEPS = 2
STATEMENT = "demo.json"
AnyConfig = TypeVar("AnyConfig", DeFlowConfig, RestorationConfig)
TRAINED = ("trained on bicubic", "trained on learned")
METHODS = ("bicubic", *TRAINED)
CROP = (slice(60, 140), slice(104, 184))
"""Where the sheet looks at a half-size picture."""


@dataclass(frozen=True)
class Folders:
    """Where the demo keeps its files.

    Attributes:
        out: everything below it.
    """

    out: Path

    @property
    def clean_set(self) -> Path:
        """The clean pictures at 1x, 2x and 8x."""
        return self.out / "sets" / "clean"

    @property
    def real_set(self) -> Path:
        """The camera's pictures at 1x and 4x."""
        return self.out / "sets" / "real"

    @property
    def learned(self) -> Path:
        """The clean 2x copies with the learned degradation."""
        return self.clean_set / "2x_degraded"

    @property
    def held_out_learned(self) -> Path:
        """The held-out pictures' half-size copies with the learned degradation."""
        return self.out / "held_out_learned"

    def photographs(self, part: str) -> Path:
        """Return the folder of a part of the photographs, as the user would have them."""
        return self.out / "photographs" / part

    def upscaled(self, method: str, seed: int) -> Path:
        """Return the folder of the held-out pictures as a method upscales them."""
        name = method.replace(" ", "_")
        return self.out / "upscaled" / (name if method == "bicubic" else f"{name}-seed{seed}")


def _claim(out: Path, about: dict[str, int | bool]) -> None:
    """State what a folder's demo is of; its pictures and models are of one camera and one length of training."""
    statement, text = out / STATEMENT, json.dumps(about) + "\n"
    if statement.is_file() and statement.read_text(encoding="utf-8") != text:
        raise PatinaError(f"{out} holds a demo of another -seed or length, see {statement}; choose another -out")
    write_text(statement, text)


def take_photographs(folders: Folders, seed: int) -> None:
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


def translate(config: DeFlowConfig, source: Path, out: Path, device: str) -> None:
    """Translate a folder of clean pictures with the demo's DeFlow."""
    path = config.final_model()
    like = Record("", "", "X", config.seed, 0, file_digest(path))
    translate_folder(learned_degradation(path, device=device), source, out, like)


def report(folders: Folders, seeds: Sequence[int]) -> str:
    """Measure all methods on the held-out pictures; return the tables in Markdown."""
    lines = ["| held-out pictures, x2 | PSNR (dB) | SSIM |", "| --- | ---: | ---: |"]
    scores = {method: _scores(folders, method, seeds) for method in METHODS}
    lines += [f"| {method} | {spread(score[:, 0], 2)} | {spread(score[:, 1], 4)} |" for method, score in scores.items()]
    margins = scores[METHODS[2]][:, 0] - scores[METHODS[1]][:, 0]
    lines.append("")
    lines.append(f"Seeds {', '.join(map(str, seeds))}; PSNR and SSIM on RGB, border of {SCALE} pixels cut.")
    lines.append(
        f"Learned against bicubic pairs, seed by seed: {', '.join(f'{margin:+.2f} dB' for margin in margins)}."
    )
    degraded = {"true": folders.photographs("held_out_real"), "learned": folders.held_out_learned}
    lines += ["", "What the camera adds to the held-out pictures, and what was learned:", ""]
    lines += [noise_table(folders.photographs("held_out_2x"), degraded), ""]
    write_text(
        folders.out / "results.json",
        json.dumps({method: score.tolist() for method, score in scores.items()}, indent=1),
    )
    return "\n".join(lines)


def contact_sheet(folders: Folders, seed: int) -> np.ndarray:
    """Show the held-out pictures: clean, truly degraded, learned, and as every method restores them."""
    titles = ["clean, half size", "truly degraded", "learned", *METHODS, "truth"]
    rows = []
    for path in list_pictures(folders.photographs("held_out")):
        stem = path.stem
        small = [
            folders.photographs("held_out_2x") / f"{stem}.png",
            folders.photographs("held_out_real") / f"{stem}.jpg",
            folders.held_out_learned / f"{stem}.png",
        ]
        large = [*(folders.upscaled(method, seed) / f"{stem}.png" for method in METHODS), path]
        rows.append(
            [read_picture(each).pixels[CROP].repeat(SCALE, 0).repeat(SCALE, 1) for each in small]
            + [read_picture(each).pixels[_scaled(CROP[0]), _scaled(CROP[1])] for each in large]
        )
    return sheet(rows, titles)


def _upscale_held_out(folders: Folders, seeds: Sequence[int], device: str) -> None:
    """Upscale the held-out pictures, as the camera saw them, with every method."""
    source = folders.photographs("held_out_real")
    upscale(UpscaleRequest("bicubic", source, folders.upscaled("bicubic", 0), scale=SCALE))
    for method in TRAINED:
        for seed in seeds:
            config = _restoration_config(folders, method, seed)
            model = config.final_model(config.stages[-1].name)
            upscale(UpscaleRequest(model, source, folders.upscaled(method, seed), device=device))


def _deflow_config(folders: Folders, seed: int) -> DeFlowConfig:
    config = load_config("DeFlow-demo")
    clean = config.data.clean.model_copy(update={"folder": folders.clean_set})
    real = config.data.real.model_copy(update={"folder": folders.real_set})
    data = config.data.model_copy(update={"clean": clean, "real": real})
    return config.model_copy(update={"data": data, "seed": seed, "runs": folders.out / "runs"})


def _restoration_config(folders: Folders, method: str, seed: int) -> RestorationConfig:
    """Return the configuration of one x2 network; both methods differ in their pairs alone."""
    config = load_config("SR-demo")
    lq = folders.learned if method == TRAINED[1] else folders.clean_set / f"{SCALE}x"
    name = f"SR-{method.split()[-1]}-seed{seed}"
    data = config.data.model_copy(update={"lq": (LowQuality(path=lq),), "gt": folders.clean_set / "1x"})
    return config.model_copy(update={"name": name, "data": data, "seed": seed, "runs": folders.out / "runs"})


def _shortened(config: AnyConfig, smoke: bool) -> AnyConfig:
    """Return the configuration, with `SMOKE_STEPS` of training if asked for."""
    if not smoke:
        return config
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
    height, width = (side // MULTIPLE * MULTIPLE for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[:height, :width, :3])


def _photograph(scene: np.ndarray, path: Path, seed: int) -> None:
    camera, key = Camera(), derive(seed, "camera", path.name)
    seen = camera.apply(to_tensor(scene), camera.draw(numpy_rng(key, "parameters")), key)
    write_picture(path, to_pixels(seen, np.uint8), quality=JPEG_QUALITY)


def _scores(folders: Folders, method: str, seeds: Sequence[int]) -> np.ndarray:
    """Return mean PSNR and SSIM by seed, ``[seeds, 2]``."""
    rows = []
    for seed in seeds:
        results = folders.upscaled(method, seed)
        evaluation = evaluate_folders(results, folders.photographs("held_out"), crop=SCALE, lpips=False)
        evaluation.write(results)
        rows.append((evaluation.means["psnr"], evaluation.means["ssim"]))
    return np.array(rows)


def _scaled(span: slice) -> slice:
    return slice(span.start * SCALE, span.stop * SCALE)
