"""Upscale folders with a trained model and, where there is ground truth, measure the results."""

from pathlib import Path

from patina.imaging.picture_files import list_pictures
from patina.imaging.sources import list_sources
from patina.pipelines.scores import evaluate_folders
from patina.pipelines.upscalers import Upscaler
from patina.pipelines.upscaling import upscale_pictures
from patina.specs.upscale_test_spec import TestSet, UpscaleTestConfig


def _test_set(upscaler: Upscaler, config: UpscaleTestConfig, test_set: TestSet, device: str) -> int:
    """Upscale one set into ``out/NAME/`` and measure it; return the exit code."""
    results = config.out / test_set.name
    upscaled = upscale_pictures(upscaler, test_set.lq, results, replace="otherwise")
    upscaled.print_summary()
    if test_set.gt is None:
        return upscaled.exit_code
    present = {each.stem for each in list_sources(test_set.lq)}
    gone = {path.stem for path in list_pictures(results)} - present  # results of an earlier call
    evaluation = evaluate_folders(
        results,
        test_set.gt,
        crop=config.crop_border,
        space=config.space,
        lpips=config.lpips,
        device=device,
        without={Path(name).stem for name, _ in upscaled.failures} | gone,
    )
    evaluation.write(results)
    print(f"{test_set.name}\n{evaluation.table()}")
    evaluation.report.print_summary()
    return max(upscaled.exit_code, evaluation.report.exit_code)
