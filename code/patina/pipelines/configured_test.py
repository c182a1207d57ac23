"""Upscale the test sets of a configuration with a finished model, and measure the results."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patina.errors import ConfigError, PatinaError
from patina.imaging.picture_files import list_pictures
from patina.imaging.sources import list_sources
from patina.metrics.full_reference import metric_keys
from patina.pipelines.evaluation import evaluate_folders
from patina.pipelines.score_table import Evaluation
from patina.pipelines.upscaler import Upscaler
from patina.pipelines.upscalers import open_upscaler
from patina.pipelines.upscaling import upscale_pictures
from patina.runs.folder_job import JobReport
from patina.specs.configuration import load_config
from patina.specs.upscale_test_spec import TestSet, UpscaleTestConfig


@dataclass(frozen=True)
class MeasuredSet:
    """A test set that was upscaled and, if it has GT, measured.

    Attributes:
        name: name of the set.
        upscaled: which images were upscaled, and which could not be.
        evaluation: the scores; None without GT.
    """

    name: str
    upscaled: JobReport[Path]
    evaluation: Evaluation | None

    @property
    def exit_code(self) -> int:
        """0 if every image went well, else 1."""
        return max(self.upscaled.exit_code, self.evaluation.report.exit_code if self.evaluation else 0)


def upscale_and_measure(config: str, device: str = "auto") -> Iterator[MeasuredSet]:
    """Upscale and measure the test sets of a configuration one after the other, once all their folders are there.

    Args:
        config: a configuration of the task test, by path or name.
        device: where to compute.

    Raises:
        ConfigError: the configuration or a folder that it names cannot be used.
        PatinaError: the model, or a set or its earlier results, cannot be used; sets before it have been yielded.
    """
    settings = load_config(config)
    if not isinstance(settings, UpscaleTestConfig):
        raise ConfigError(f"{config}: task is {settings.task}, expected test")
    for test_set in settings.sets:
        _require_folders(config, test_set)
    upscaler = open_upscaler(
        settings.model, scale=settings.scale, tile=settings.tile, device=device, precision=settings.precision
    )
    for test_set in settings.sets:
        try:
            measured = _measured(upscaler, settings, test_set, device)
        except PatinaError as error:
            raise PatinaError(f"{config}: set {test_set.name}: {error}") from error
        yield measured


def _require_folders(config: str, test_set: TestSet) -> None:
    try:
        list_sources(test_set.lq, part="lq")
        if test_set.gt is not None:
            list_pictures(test_set.gt, "gt")
    except PatinaError as error:
        raise ConfigError(f"{config}: set {test_set.name}: {error}") from None


def _measured(upscaler: Upscaler, config: UpscaleTestConfig, test_set: TestSet, device: str) -> MeasuredSet:
    """Upscale one set into ``out/NAME/`` and measure it."""
    results = config.out / test_set.name
    upscaled = upscale_pictures(upscaler, test_set.lq, results, replace="different")
    if test_set.gt is None:
        return MeasuredSet(test_set.name, upscaled, None)
    present = {source.stem for source in list_sources(test_set.lq)}
    outdated = {path.stem for path in list_pictures(results)} - present  # results of an earlier call
    evaluation = evaluate_folders(
        results,
        test_set.gt,
        metrics=metric_keys(config.lpips, config.space),
        crop=upscaler.scale if config.crop_border is None else config.crop_border,
        space=config.space,
        device=device,
        without={Path(name).stem for name, _ in upscaled.failures} | outdated,
    )
    evaluation.write(results)
    return MeasuredSet(test_set.name, upscaled, evaluation)
