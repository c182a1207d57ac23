"""Translate a folder from one domain to the other with a trained degradation of any kind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patina.degradations.base import NOT_FINITE, Degradation, Parameters
from patina.degradations.learned_degradation import Knob, Span, Tiling
from patina.errors import ConfigError, PatinaError, PictureError, require_range
from patina.imaging.picture_files import Picture
from patina.imaging.sources import Source, folder_of, list_sources, require_outside
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.models.labels import CLEAN, REAL
from patina.pipelines.picture_job import Pixels, make_outdated
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport, output_paths
from patina.runs.journal import Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.seeding import derive, numpy_rng
from patina.specs.configuration import load_config
from patina.specs.learned_spec import LearnedConfig, learned_degradation, learned_kinds

DOMAINS = {"X": CLEAN, "Y": REAL}


@dataclass(frozen=True)
class TranslationRequest:
    """What to translate, and how.

    Attributes:
        source: a folder of pictures, or one picture.
        out: folder for the results.
        model: model file; None for that of the configuration's finished run.
        config: configuration, a path or a name in ``confs/``; needed for published models and without `model`.
        domain: the source's, X (clean) or Y (real); the results are of the other one.
        knobs: a number, or a range that one is drawn from for every picture, by the knob's name.
        samples: results of a picture; with more than one, names end in ``_0``, ``_1``, ...
        seed: of the noise; with the picture's name it decides the result.
        tiling: how large pictures are divided.
        device: where to compute.
        precision: of the convolutions: "32", "bf16-mixed", or "auto" for bf16 where it is fast and precise enough.
        recursive: whether pictures in subfolders of `source` are translated, too.
    """

    source: Path
    out: Path
    model: Path | None = None
    config: str | None = None
    domain: str = "X"
    knobs: Mapping[str, Span] = field(default_factory=dict)
    samples: int = 1
    seed: int = 0
    tiling: Tiling = Tiling()  # noqa: RUF009 - frozen
    device: str = "auto"
    precision: str = "auto"
    recursive: bool = False


def translate(request: TranslationRequest) -> JobReport[Path]:
    """Translate every picture that is not yet translated, as PNG of the same size and bit depth.

    Returns:
        The report; its results are the files written.

    Raises:
        PatinaError: the model, a setting or a folder cannot be used, or `out` holds results of another model or
            setting.
    """
    require_range("samples", request.samples, 1)
    config = None if request.config is None else load_learned_config(request.config)
    path = model_path(request.model, config)
    degradation = learned_degradation(
        path,
        config,
        source=DOMAINS[request.domain],
        tiling=request.tiling,
        device=request.device,
        precision=request.precision,
        knobs=request.knobs,
    )
    settings = {
        "domain": request.domain,
        "precision": "bf16-mixed" if degradation.precision == torch.bfloat16 else "32",
        "tile": request.tiling.tile,
        "overlap": request.tiling.overlap,
    }
    made_by = MadeBy("translate", settings | degradation.settings, {str(path): file_digest(path)})
    return translate_pictures(
        degradation, made_by, request.source, request.out,
        seed=request.seed, samples=request.samples, recursive=request.recursive,
    )  # fmt: skip


def translate_pictures(
    degradation: Degradation,
    made_by: MadeBy,
    source: Path,
    out: Path,
    *,
    seed: int = 0,
    samples: int = 1,
    recursive: bool = False,
) -> JobReport[Path]:
    """Degrade every picture of a folder, or one picture, with an open degradation; see `translate`.

    Alpha is kept aside and put back.

    Args:
        degradation: what to do to a picture.
        made_by: everything that decides the results, but for the seed.
        source, out, seed, samples, recursive: as in `TranslationRequest`.
    """
    sources = list_sources(source, recursive)
    require_outside(out, source, recursive)
    wanted = list(_wanted(degradation, output_paths(sources, out), seed, samples))
    made_by = replace(made_by, settings={**made_by.settings, "seed": seed})

    def degrade(picture_source: Source, details: Mapping[str, Any], picture: Picture) -> Pixels:
        key = sample_key(seed, picture_source.name, details["sample"])
        try:
            return translate_pixels(degradation, picture.pixels, details["parameters"], key), picture.alpha
        except PictureError as error:
            raise PictureError(f"{picture_source}: {error}") from None

    with OutputFolder.open(out, made_by, source=folder_of(source), sources=sources) as folder:
        return make_outdated(folder, wanted, sources, degrade, description=made_by.command)


def _wanted(degradation: Degradation, outputs: dict[Source, Path], seed: int, samples: int) -> Iterator[Wanted]:
    """Draw the parameters of every sample of every picture."""
    for source, output in outputs.items():
        for sample in range(samples):
            name = output.name if samples == 1 else f"{output.stem}_{sample}{output.suffix}"
            drawn = draw_sample(degradation, seed, source.name, sample)
            yield Wanted(name, source.name, {"sample": sample, "parameters": drawn})


def draw_sample(degradation: Degradation, seed: int, name: str, sample: int) -> Parameters:
    """Draw the parameters of a sample: a function of the seed, the picture's name and the sample's number."""
    return degradation.draw(numpy_rng(seed, "parameters", name, sample))


def sample_key(seed: int, name: str, sample: int) -> int:
    """Return the seed of the noise in a sample: a function of the seed, the picture's name and the sample's number."""
    return derive(seed, name, sample)


def translate_pixels(degradation: Degradation, pixels: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
    """Degrade a picture.

    Args:
        degradation: an open degradation.
        pixels: ``[H, W, 3]`` RGB, uint8 or uint16.
        parameters: from `draw_sample`.
        key: from `sample_key`.

    Returns:
        The degraded picture, of the same dtype.

    Raises:
        PictureError: the result has values that are not finite.
    """
    result = degradation.apply(to_tensor(pixels), parameters, key)
    if not result.isfinite().all():
        raise PictureError(f"the model {NOT_FINITE}")
    return to_pixels(result, pixels.dtype)


def load_learned_config(given: str) -> LearnedConfig:
    """Read the configuration of a learned degradation.

    Raises:
        ConfigError: it is one of something else, or cannot be used.
    """
    config = load_config(given)
    if not isinstance(config, LearnedConfig):
        raise ConfigError(f"{given}: task is {config.task}, expected one of {', '.join(learned_kinds())}")
    return config


def model_path(given: Path | None, config: LearnedConfig | None) -> Path:
    """Return the model to use: as given, or the configuration's finished run."""
    if given is not None:
        return given
    if config is None:
        raise PatinaError("neither -model_path nor -opt is given; name a model file or a trained configuration")
    return config.final_model()


def known_knobs() -> Iterable[Knob]:
    """Return the knobs of all kinds of models; knobs of one name are one."""
    return {knob.name: knob for config in learned_kinds().values() for knob in config.degradation.knobs}.values()
