"""Translate a folder of pictures from one domain to the other with a learned degradation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patina.degradations.base import NOT_FINITE, Degradation, Parameters
from patina.degradations.knobs import Span
from patina.degradations.learned_degradation import LearnedDegradation, Tiling
from patina.errors import ConfigError, PatinaError, PictureError, require_range
from patina.imaging.colour_shift import colour_shift_warning
from patina.imaging.picture_files import Picture
from patina.imaging.sources import Source, list_sources
from patina.imaging.transparency import with_hidden_filled
from patina.imaging.value_spaces import NotFinitePixels, to_pixels, to_tensor
from patina.models.labels import CLEAN, REAL
from patina.models.model_files import ModelFile, weights_digest
from patina.pipelines.huge_translation import HugeTranslation
from patina.pipelines.picture_job import OnCluster, Output, PictureWork, Pixels, make_results
from patina.pipelines.ray_cluster import ClusterChoice
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport, output_names
from patina.runs.journal import Wanted
from patina.runs.made_by import MadeBy
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits
from patina.seeding import derive, numpy_rng
from patina.specs.configuration import load_config
from patina.specs.learned_spec import LearnedConfig, is_own_file, learned_kinds, load_learned, opened_degradation
from patina.system.telling import warn

DOMAINS = {"X": CLEAN, "Y": REAL}


@dataclass(frozen=True)
class TranslationRequest:
    """A folder of pictures to translate, and how to do it.

    Attributes:
        source: a folder of pictures, or one picture.
        out: output folder, or a pattern of tars, see `TarTarget`.
        model: model file; None for the finished run of `config`.
        config: path of a configuration, or its name in ``confs/``; required for published models and without `model`.
        domain: domain of the source, "X" (clean) or "Y" (real).
        knobs: values of knobs by name: a number, or a range to draw from for every picture.
        samples: number of results per picture; the names of several end in ``_0``, ``_1``, …
        seed: seed of the noise; a result depends on it and on the picture's name.
        tiling: tiles of large pictures.
        device: "auto", "cpu", "cuda" or "mps".
        precision: precision of the convolutions, "32", "bf16-mixed" or "auto", as in `learned_degradation`.
        recursive: include pictures in subfolders of `source`.
        shard: the part of the pictures to translate, into its own folder `out`; None for all.
        limits: when a tar is full.
        cluster: where to compute; None for this process.
        images_only: keep the log beside the folder; see `OutputFolder.open`.
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
    shard: Shard | None = None
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen
    cluster: ClusterChoice | None = None
    images_only: bool = False


def translate(request: TranslationRequest) -> JobReport[Path]:
    """Translate a folder, or one picture, to PNG files of the same size and bit depth.

    Results that are up to date are not made again.

    Returns:
        The report; its results are the files written by this call.

    Raises:
        PatinaError: the model, a setting or a folder cannot be used, or `out` holds results of another model or
            setting.
    """
    require_range("samples", request.samples, 1)
    config = None if request.config is None else load_learned_config(request.config)
    path = model_path(request.model, config)
    model = load_learned(path, config)
    degradation = _opened(model, path, request)
    settings = {
        "domain": request.domain,
        "precision": "bf16-mixed" if degradation.precision == torch.bfloat16 else "32",
        "tile": request.tiling.tile,
        "overlap": request.tiling.overlap,
    }
    on_cluster = None
    if request.cluster is not None:
        same = replace(request, precision=str(settings["precision"]))  # chosen once, not by every actor
        on_cluster = OnCluster(request.cluster, partial(_in_actor, same, path), request.device)
    settings |= _published_settings(path, model) | degradation.settings
    made_by = MadeBy("translate", settings, {str(path): file_digest(path)})
    return translate_pictures(
        degradation, made_by, request.source, request.out,
        seed=request.seed, samples=request.samples, recursive=request.recursive, shard=request.shard,
        part="gt" if request.domain == "X" else "lq", limits=request.limits, on_cluster=on_cluster,
        images_only=request.images_only,
    )  # fmt: skip


def _opened(model: ModelFile, path: Path, request: TranslationRequest) -> LearnedDegradation:
    return opened_degradation(
        model,
        path,
        source=DOMAINS[request.domain],
        tiling=request.tiling,
        device=request.device,
        precision=request.precision,
        knobs=request.knobs,
    )


def _in_actor(request: TranslationRequest, path: Path) -> PictureWork:
    """Return the work of a request in an actor of a cluster."""
    config = None if request.config is None else load_learned_config(request.config)
    degradation = _opened(load_learned(path, config), path, request)
    return translation_work(degradation, request.seed, str(path))


def _published_settings(path: Path, model: ModelFile) -> dict[str, Any]:
    """Return what decides a published model's results but is not in its file: settings, statistics, networks of h.

    Patina's own model files contain all of it, so their digest is enough.
    """
    if is_own_file(path):
        return {}
    statistics = {f"statistics.{name}": values for name, values in model.statistics.items()}
    return {**model.configuration, **statistics, "weights": weights_digest(model.weights)}


def translate_pictures(
    degradation: Degradation,
    made_by: MadeBy,
    source: Path,
    out: Path,
    *,
    seed: int = 0,
    samples: int = 1,
    recursive: bool = False,
    shard: Shard | None = None,
    part: str = "gt",
    limits: TarLimits = TarLimits(),  # noqa: B008 - frozen
    on_cluster: OnCluster | None = None,
    images_only: bool = False,
) -> JobReport[Path]:
    """Apply an open degradation to a folder of pictures, or to one picture; see `translate`.

    Alpha is copied to the result.

    Args:
        degradation: what to apply.
        made_by: everything but the seed that decides the results.
        source, out, seed, samples, recursive, shard, limits, images_only: as in `TranslationRequest`.
        part: of pairs in one set of tars, which to take.
        on_cluster: computes elsewhere, with the same degradation.
    """
    sources = list_sources(source, recursive, part)
    wanted = list(_wanted(degradation, sources, output_names(sources, out), seed, samples))
    made_by = replace(made_by, settings={**made_by.settings, "seed": seed})

    shifts: list[np.ndarray] = []
    work = translation_work(degradation, seed, next(iter(made_by.models), made_by.command))
    output = Output(source, sources, out, made_by, recursive, shard, limits=limits, images_only=images_only)
    report = make_results(output, wanted, work, on_cluster=on_cluster, on_shift=shifts.append)
    is_matched = isinstance(degradation, LearnedDegradation) and degradation.matches_colours
    if shifts and (warning := colour_shift_warning(np.mean(shifts, axis=0), "translated images", is_matched)):
        warn(f"warning: {out}: {warning}")
    return report


def translation_work(degradation: Degradation, seed: int, model: str) -> PictureWork:
    """Return how pictures are translated.

    Args:
        degradation: what to apply.
        seed: seed of the noise.
        model: name of the model, for messages.
    """

    def degrade(source: Source, details: Mapping[str, Any], picture: Picture) -> Pixels:
        key, pixels = sample_key(seed, source.name, details["sample"]), picture.pixels
        if picture.alpha is not None:
            pixels = with_hidden_filled(pixels, picture.alpha)
        try:
            result = translate_pixels(degradation, pixels, details["parameters"], key)
        except PictureError as error:
            named = f"{model}: " if isinstance(error, NotFinitePixels) else ""
            raise PictureError(f"{source}: {named}{error}") from None
        return Pixels(result, picture.alpha, _mean_colour(result) - _mean_colour(pixels))

    return PictureWork(degrade, huge=HugeTranslation(degradation, partial(sample_key, seed), model))


def _mean_colour(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of every channel in grey levels of 255."""
    return pixels.mean(axis=(0, 1)) * (255 / np.iinfo(pixels.dtype).max)


def _wanted(
    degradation: Degradation, sources: Sequence[Source], names: Sequence[str], seed: int, samples: int
) -> Iterator[Wanted]:
    """Draw the parameters of every sample of every picture."""
    for source, file in zip(sources, names, strict=True):
        for sample in range(samples):
            name = file if samples == 1 else f"{source.stem}_{sample}{Path(file).suffix}"
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
    try:
        return to_pixels(result, pixels.dtype)
    except NotFinitePixels as error:
        raise NotFinitePixels(f"the model {NOT_FINITE} ({error})") from None


def load_learned_config(given: str) -> LearnedConfig:
    """Read the configuration of a learned degradation.

    Raises:
        ConfigError: the configuration cannot be used, or is not of a learned degradation.
    """
    config = load_config(given)
    if not isinstance(config, LearnedConfig):
        raise ConfigError(f"{given}: task is {config.task}, expected one of {', '.join(learned_kinds())}")
    return config


def model_path(given: Path | None, config: LearnedConfig | None) -> Path:
    """Return the given model file, or else that of the configuration's finished run."""
    if given is not None:
        return given
    if config is None:
        raise PatinaError("expected -model_path or -opt; name a model file or a trained configuration")
    return config.final_model()
