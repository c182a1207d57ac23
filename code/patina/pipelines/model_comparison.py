"""Models and interpolations against each other: quality, seconds and memory over any number of test sets."""

import csv
import io
import json
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np
import torch

from patina.data.matching import match_by_stem
from patina.errors import PatinaError
from patina.imaging.interpolation import INTERPOLATIONS
from patina.imaging.picture_files import list_pictures, picture_size, read_picture
from patina.pipelines.scores import METRICS, Evaluation, aligned, evaluate_folders, open_lpips
from patina.pipelines.upscalers import Sampling, Upscaler, open_upscaler, takes_tiles
from patina.pipelines.upscaling import upscale_pictures
from patina.specs.evaluation_spec import ComparedModel, ComparedSet, EvaluationConfig
from patina.system.atomic import write_text
from patina.system.devices import compute_device
from patina.system.memory import PeakMemory

WARM_UP_SIDE = 32
"""Pixels of the square that a model sees before its time is taken: its first picture would pay for preparations."""


@dataclass(frozen=True)
class Row:
    """What was measured of one model on one set.

    Attributes:
        set, model: their names.
        scale: of the set.
        crop: border that was cut.
        pictures: how many were measured.
        mse, psnr, ssim, lpips: means; None where not measured.
        seconds: to enlarge a picture, reading and writing left out.
        memory: bytes that enlarging took at most; on CUDA what torch allocated there, else by how much the process
            grew, which is without the model's own weights.
    """

    set: str
    model: str
    scale: int
    crop: int
    pictures: int
    mse: float | None
    psnr: float | None
    ssim: float | None
    lpips: float | None
    seconds: float
    memory: int


@dataclass(frozen=True)
class Comparison:
    """The rows in the order of sets and models, and what to tell beside them."""

    rows: list[Row]
    notes: list[str]
    failures: int

    @property
    def exit_code(self) -> int:
        """0 when every picture went well, else 1."""
        return 1 if self.failures else 0

    def table(self) -> str:
        """Return a Markdown table with a line that says how it was measured."""
        metrics = [name for name in METRICS if any(getattr(row, name) is not None for row in self.rows)]
        head = {"mse": "MSE", "psnr": "PSNR (dB)", "ssim": "SSIM", "lpips": "LPIPS"}
        rows = [("set", "model", *(head[name] for name in metrics), "s a picture", "MiB")]
        for row in self.rows:
            numbers = [_number(getattr(row, name), digits) for name, digits in _DIGITS.items() if name in metrics]
            rows.append((row.set, row.model, *numbers, f"{row.seconds:.3g}", f"{row.memory / 2**20:.0f}"))
        return "\n".join([*aligned(rows, names=2), "", *self.notes])

    def write(self, out: Path) -> None:
        """Write ``comparison.md``, ``comparison.csv`` and ``comparison.json`` into the folder `out`."""
        write_text(out / "comparison.md", self.table() + "\n")
        text = io.StringIO()
        writer = csv.DictWriter(text, list(Row.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.rows)
        write_text(out / "comparison.csv", text.getvalue())
        rows = [
            {key: str(value) if value == float("inf") else value for key, value in vars(r).items()} for r in self.rows
        ]
        write_text(out / "comparison.json", json.dumps({"rows": rows, "notes": self.notes}, indent=1) + "\n")


_DIGITS = {"mse": 2, "psnr": 2, "ssim": 4, "lpips": 4}


@dataclass(frozen=True)
class _Timed:
    """An upscaler that keeps the time."""

    upscaler: Upscaler
    seconds: list[float]

    @property
    def scale(self) -> int:
        return self.upscaler.scale

    @property
    def about(self) -> dict[str, str | int]:
        return self.upscaler.about

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        result = self.upscaler(pixels)
        self.seconds.append(time.perf_counter() - began)
        return result


def compare(config: EvaluationConfig, device: str = "auto") -> Comparison:
    """Enlarge every set with every model into ``out/SET/MODEL/`` and measure the results.

    Each works on each set in a process of its own, so that memory is its own.

    Raises:
        PatinaError: a set or a model cannot be used, or an output folder holds pictures of something else.
    """
    scales = {each.name: _scale_of(each) for each in config.sets}
    missing = [str(m.model) for m in config.models if m.model not in INTERPOLATIONS and not m.model.is_file()]
    if missing:
        raise PatinaError(f"{missing[0]}: there is no such model file; interpolations are {', '.join(INTERPOLATIONS)}")
    missing_lpips = open_lpips(device)[1] if config.lpips else None
    if missing_lpips:  # known once, not after every model
        config = config.model_copy(update={"lpips": False})
    found: list[tuple[Row, Evaluation]] = []
    notes: list[str] = []
    for each in config.sets:
        for model in config.models:
            result = _in_own_process(config, model, each, scales[each.name], device)
            (notes if isinstance(result, str) else found).append(result)
    if not found:
        raise PatinaError(f"no model fits any set: {' '.join(notes)}")
    for _, evaluation in found:
        evaluation.report.print_summary()
    failures = sum(len(evaluation.report.failures) for _, evaluation in found)
    return Comparison([row for row, _ in found], [_how(config, device, missing_lpips), *notes], failures)


def _in_own_process(
    config: EvaluationConfig, model: ComparedModel, each: ComparedSet, scale: int, device: str
) -> tuple[Row, Evaluation] | str:
    pool = ProcessPoolExecutor(1, _fresh_processes())
    try:
        return pool.submit(measure_model, config, model, each, scale, device, torch.get_num_threads()).result()
    except BrokenProcessPool:
        raise PatinaError(f"{model.name}: its process died, perhaps for lack of memory; set a smaller tile") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _fresh_processes() -> BaseContext:
    """Return what starts processes that hold nothing but the libraries, loaded once where the system can fork."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def measure_model(
    config: EvaluationConfig, model: ComparedModel, each: ComparedSet, scale: int, device: str, threads: int
) -> tuple[Row, Evaluation] | str:
    """Measure one model on one set; return what to tell where it is of another scale."""
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
        return f"{model.name} enlarges by {upscaler.scale}, {each.name} needs {scale}: not measured."
    return _measure(config, model, each, upscaler, device)


def _measure(
    config: EvaluationConfig, model: ComparedModel, each: ComparedSet, upscaler: Upscaler, device: str
) -> tuple[Row, Evaluation]:
    out = config.out / each.name / model.name
    first = read_picture(list_pictures(each.lq)[0]).pixels
    timed = _Timed(upscaler, [])
    with PeakMemory(_is_gpu(device)) as memory:
        upscaler(first[:WARM_UP_SIDE, :WARM_UP_SIDE])
        upscaled = upscale_pictures(timed, each.lq, out, replace="always")  # to take their time
    crop = upscaler.scale if config.crop_border is None else config.crop_border
    evaluation = evaluate_folders(
        out, each.gt, crop=crop, space=config.space, lpips=config.lpips, device=device,
        without={Path(name).stem for name, _ in upscaled.failures},
    )  # fmt: skip
    evaluation.report.failures += upscaled.failures
    evaluation.write(out)
    row = Row(
        each.name, model.name, upscaler.scale, crop, len(evaluation.scores),
        **evaluation.means,
        seconds=float(np.mean(timed.seconds)) if timed.seconds else float("nan"),
        memory=memory.grown,
    )  # fmt: skip
    return row, evaluation


def _scale_of(each: ComparedSet) -> int:
    """Return the set's scale by its first pair, having checked that every picture has a partner."""
    match = match_by_stem(each.lq, each.gt)[0]
    (height, width), (large_height, large_width) = picture_size(match.first), picture_size(match.second)
    scale = large_height // height
    if scale < 1 or (large_height, large_width) != (scale * height, scale * width):
        raise PatinaError(
            f"{match.second} is {large_width}x{large_height} and {match.first} {width}x{height}; expected the truth to "
            "be a whole number of times larger"
        )
    return scale


def _is_gpu(device: str) -> bool:
    return compute_device(device).type == "cuda"


def _how(config: EvaluationConfig, device: str, missing_lpips: str | None) -> str:
    space = "luma (BT.601)" if config.space == "y" else "RGB"
    border = "the scale" if config.crop_border is None else f"{config.crop_border} pixels"
    where = "on the GPU" if _is_gpu(device) else f"{torch.get_num_threads()} threads"
    text = f"{space}, border of {border} cut; MSE of 255; time and memory of enlarging, {where}."
    return f"{text} LPIPS was not measured: {missing_lpips}" if missing_lpips else text


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
