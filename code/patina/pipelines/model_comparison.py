"""Compare models and interpolations: quality, seconds and memory over any number of test sets."""

import re
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from patina.data.matching import Match, match_by_stem
from patina.errors import PatinaError, PictureError, listed
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.imaging.picture_files import list_pictures, picture_size, read_picture
from patina.metrics.full_reference import METRICS, open_metrics
from patina.metrics.set_measures import MEASURES
from patina.pipelines.comparison_table import ComparisonRow, ModelComparison
from patina.pipelines.evaluation import evaluate_folders
from patina.pipelines.score_table import Evaluation, border, measured_space
from patina.pipelines.upscaler import Enlarger, Sampling, Upscaler
from patina.pipelines.upscalers import open_upscaler, takes_tiles
from patina.pipelines.upscaling import upscale_pictures
from patina.runs.folder_lock import folder_lock
from patina.runs.run_models import label_of
from patina.shipped import model_file
from patina.specs.configuration import load_config, parse_config
from patina.specs.evaluation_spec import ComparedModel, ComparedSet, EvaluationConfig
from patina.system.deaf_processes import FRESH, hear_interrupts
from patina.system.devices import compute_device
from patina.system.memory import PeakMemory

WARM_UP_SIDE = 32
"""Side of the crop that a model upscales before its time is taken, because the first call includes preparations."""


@dataclass(frozen=True)
class ComparisonRequest:
    """What to compare, and how.

    Attributes:
        config: a configuration of the task evaluate, by path or name; it names models and sets.
        models: without a configuration: model files or interpolations, each with an optional name, ``NAME=MODEL``.
        sets: without a configuration: name, LQ folder and GT folder of every test set.
        template: without a configuration: how the LQ images are named after their GT, e.g. ``{}x2``. None: alike.
        out: folder for the results. None: the configuration's.
        crop_border, space, metrics, tile, precision: as in `EvaluationConfig`. None: the configuration's, or its
            defaults.
        lpips: False leaves LPIPS out.
        device: where to compute.
    """

    config: str | None = None
    models: tuple[str, ...] = ()
    sets: tuple[tuple[str, str, str], ...] = ()
    template: str | None = None
    out: Path | None = None
    crop_border: int | None = None
    space: str | None = None
    metrics: tuple[str, ...] | None = None
    tile: int | None = None
    precision: str | None = None
    lpips: bool = True
    device: str = "auto"

    def evaluation_config(self) -> EvaluationConfig:
        """Return the request as a configuration.

        Raises:
            PatinaError: models or sets are given twice.
            ConfigError: the configuration cannot be used.
        """
        values = self._values() if self.config is None else self._loaded(self.config)
        names = ("out", "crop_border", "space", "metrics", "tile", "precision")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return parse_config(values | given | ({} if self.lpips else {"lpips": False}), "command line")

    def _loaded(self, name: str) -> dict[str, Any]:
        if self.models or self.sets or self.template is not None:
            raise PatinaError("-opt names the models and sets; leave -model, -set and -template out")
        config = load_config(name)
        if not isinstance(config, EvaluationConfig):
            raise PatinaError(f"{name}: task is {config.task}, expected evaluate")
        return config.model_dump(mode="json")

    def _values(self) -> dict[str, Any]:
        template = {} if self.template is None else {"template": self.template}
        named = [("", given) if Path(given).exists() else _named(given) for given in self.models]
        return {
            "task": "evaluate",
            "name": "comparison",
            "models": [{"name": name or _label(model), "model": model} for name, model in named],
            "sets": [{"name": name, "lq": lq, "gt": gt, **template} for name, lq, gt in self.sets],
            "precision": "auto",
        }


def _named(given: str) -> tuple[str, str]:
    """Split ``NAME=MODEL``; names have no equals sign, but files may."""
    name, separator, model = given.partition("=")
    return (name, model) if separator else ("", given)


def _label(model: str) -> str:
    """Return a name for a model without one."""
    return re.sub(r"[^\w.+-]", "_", label_of(Path(model)))


@dataclass(frozen=True)
class _Timed:
    """An enlarger that records the seconds of every call."""

    enlarge: Enlarger
    seconds: list[float]

    @property
    def scale(self) -> int:
        return self.enlarge.scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        result = self.enlarge(pixels)
        self.seconds.append(time.perf_counter() - began)
        return result


class Unmeasured(NamedTuple):
    """Why a model was not measured on a set, and how many of its pictures failed."""

    reason: str
    failures: int = 0


def compare_models(request: ComparisonRequest) -> ModelComparison:
    """Upscale every set with every model into ``out/SET/MODEL/``, measure the results and write the table.

    Every model runs on every set in its own process, so that its memory can be measured.

    Raises:
        PatinaError: a set or a model cannot be used, or an output folder holds foreign files.
    """
    config = request.evaluation_config()
    with folder_lock(config.out, "evaluate"):
        return _compared(config, request.device)


def _compared(config: EvaluationConfig, device: str) -> ModelComparison:
    """Measure every model on every set, and write the table; see `compare_models`."""
    scales = {test_set.name: _scale_of(test_set) for test_set in config.sets}
    absent = [str(m.model) for m in config.models if isinstance(m.model, Path) and not model_file(m.model).is_file()]
    if absent:
        raise PatinaError(f"{listed(absent)}: no such model file; interpolations are {', '.join(INTERPOLATIONS)}")
    _, missing = open_metrics([key for key in config.wanted_metrics() if key in METRICS], device)
    if missing:  # reported once, not for every model
        config = config.model_copy(update={"metrics": tuple(k for k in config.wanted_metrics() if k not in missing)})
    found: list[tuple[ComparisonRow, Evaluation]] = []
    unmeasured: list[Unmeasured] = []
    for test_set in config.sets:
        for model in config.models:
            result = _in_own_process(config, model, test_set, scales[test_set.name], device)
            if isinstance(result, Unmeasured):
                unmeasured.append(result)
            else:
                found.append(result)
    notes = [item.reason for item in unmeasured]
    if not found:
        raise PatinaError(f"no model was measured on any set: {' '.join(notes)}")
    for _, evaluation in found:
        evaluation.report.print_summary()
    failures = sum(len(evaluation.report.failures) for _, evaluation in found)
    failures += sum(item.failures for item in unmeasured)
    missing |= {key: reason for _, one in found for key, reason in one.missing.items()}
    reasons = [f"{MEASURES[key].title} was not measured: {reason}" for key, reason in missing.items()]
    told = [f"{row.model} on {row.set}: {note}" for row, evaluation in found for note in evaluation.notes]
    rows = [row for row, _ in found]
    comparison = ModelComparison(rows, _how(config, device), [*told, *reasons, *notes], failures)
    comparison.write(config.out)
    return comparison


def _in_own_process(
    config: EvaluationConfig, model: ComparedModel, test_set: ComparedSet, scale: int, device: str
) -> tuple[ComparisonRow, Evaluation] | Unmeasured:
    FRESH.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(1, FRESH, initializer=hear_interrupts)
    try:
        return pool.submit(measure_model, config, model, test_set, scale, device, torch.get_num_threads()).result()
    except BrokenProcessPool:
        raise PatinaError(f"{model.name}: its process died, maybe for lack of memory; set a smaller tile") from None
    finally:
        pool.shutdown(cancel_futures=True)


def measure_model(
    config: EvaluationConfig, model: ComparedModel, test_set: ComparedSet, scale: int, device: str, threads: int
) -> tuple[ComparisonRow, Evaluation] | Unmeasured:
    """Measure one model on one set; return why not if that is impossible."""
    torch.set_num_threads(threads)
    upscaler = open_upscaler(
        model.model,
        scale=scale if model.model in INTERPOLATIONS else None,
        tile=config.tile if takes_tiles(model.model) else None,
        device=device,
        precision=config.precision,
        sampling=Sampling(model.sampler, model.steps),
    )
    if upscaler.scale != scale:
        return Unmeasured(f"{model.name} upscales by {upscaler.scale}, {test_set.name} needs {scale}: not measured.")
    return _measure(config, model, test_set, upscaler, device)


def _measure(
    config: EvaluationConfig, model: ComparedModel, test_set: ComparedSet, upscaler: Upscaler, device: str
) -> tuple[ComparisonRow, Evaluation] | Unmeasured:
    out = config.out / test_set.name / model.name
    first = read_picture(list_pictures(test_set.lq)[0]).pixels
    timed = _Timed(upscaler.enlarge, [])
    with PeakMemory(_is_gpu(device)) as memory:
        with suppress(PictureError):  # the pictures themselves tell it
            upscaler(first[:WARM_UP_SIDE, :WARM_UP_SIDE])
        # All are replaced, so that all are timed.
        upscaled = upscale_pictures(replace(upscaler, enlarge=timed), test_set.lq, out, replace="always")
    if not upscaled.results:
        reason = next((reason for _, reason in upscaled.failures), "no image was upscaled")
        told = f"{model.name} was not measured on {test_set.name}: {reason}."
        return Unmeasured(told, len(upscaled.failures))
    failed = {name for name, _ in upscaled.failures}
    without = {match.stem for match in _matches(test_set) if str(match.first) in failed}
    crop = upscaler.scale if config.crop_border is None else config.crop_border
    evaluation = evaluate_folders(
        out, test_set.gt, metrics=config.wanted_metrics(), crop=crop, space=config.space, device=device,
        without=without, template=test_set.template,
    )  # fmt: skip
    evaluation.report.failures += upscaled.failures
    evaluation.write(out)
    row = ComparisonRow(
        test_set.name, model.name, upscaler.scale, crop, len(evaluation.scores),
        {**evaluation.means, **evaluation.sets},
        seconds=float(np.mean(timed.seconds)) if timed.seconds else float("nan"),
        memory=memory.grown,
    )  # fmt: skip
    return row, evaluation


def _scale_of(test_set: ComparedSet) -> int:
    """Return the scale of the first pair, after a check that every image has a partner."""
    match = _matches(test_set)[0]
    (height, width), (gt_height, gt_width) = picture_size(match.first), picture_size(match.second)
    scale = gt_height // height
    if scale < 1 or (gt_height, gt_width) != (scale * height, scale * width):
        raise PatinaError(
            f"{match.second} is {gt_width}x{gt_height} and {match.first} {width}x{height}; expected the GT to be "
            "larger by an integer factor"
        )
    return scale


def _matches(test_set: ComparedSet) -> list[Match]:
    return match_by_stem(test_set.lq, test_set.gt, template=test_set.template)


def _is_gpu(device: str) -> bool:
    return compute_device(device).type == "cuda"


def _how(config: EvaluationConfig, device: str) -> str:
    cut = "the scale cropped from every border" if config.crop_border is None else border(config.crop_border)
    where = "on the GPU" if _is_gpu(device) else f"on the CPU (threads: {torch.get_num_threads()})"
    measured = f"Measured on {measured_space(config.space, config.wanted_metrics())}, {cut}"
    return f"{measured}; time and peak memory of upscaling {where}."
