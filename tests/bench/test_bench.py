"""The benchmark's counts and table; nothing that is timed decides anything."""

import json
import subprocess
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from patina.bench import figures
from patina.bench.__main__ import main
from patina.bench.cases import (
    CASES,
    DEFLOW_TRAINING,
    DEFLOW_TRANSLATION,
    LUDVAE_TRANSLATION,
    PLAIN,
    QUICK,
    REALPLKSR_TRAINING,
    Case,
    Measured,
)
from patina.bench.figures import table
from patina.bench.image_cases import _by_process, _in_memory, ffmpeg_program, image_rows
from patina.bench.measuring import count, measure
from patina.bench.tasks import TASKS
from patina.degradations.video import missing_codecs
from patina.layers.fused import conv, conv_onto

POSITIONS, WEIGHTS = 2 * 6 * 7, 4 * 5 * 9


def test_fused_and_plain_convolutions_count_the_same():
    x, weight, other = torch.rand(2, 5, 6, 7), torch.rand(4, 5, 3, 3), torch.rand(2, 4, 6, 7)
    x, other = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, other))
    for run in (
        lambda: torch.nn.functional.conv2d(x, weight, padding=1),
        lambda: conv(x, weight, None, (1, 1), "relu"),
        lambda: conv_onto(x, weight, other, (1, 1)),
    ):
        assert count(run)[0] == 2 * POSITIONS * WEIGHTS


def test_bytes_are_those_of_inputs_and_outputs():
    x = torch.rand(10, 10)
    assert count(lambda: x.t() + x)[1] == 3 * x.nbytes


@pytest.mark.slow
@pytest.mark.parametrize("task", [DEFLOW_TRANSLATION, DEFLOW_TRAINING, LUDVAE_TRANSLATION])
def test_fast_paths_compute_less_and_the_same(task, tmp_path):
    plain, fast = (
        next(index for index, case in enumerate(CASES) if case.task == task and case.path.startswith(PLAIN) == is_plain)
        for is_plain in (True, False)
    )
    found = [measure(CASES[index], QUICK, tmp_path / f"{index}.pt", torch.device("cpu")) for index in (plain, fast)]
    # A tiny network's training gains less than it recomputes.
    assert task == DEFLOW_TRAINING or 0 < found[1].operations < found[0].operations
    results = [torch.load(tmp_path / f"{index}.pt") for index in (plain, fast)]
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.task != REALPLKSR_TRAINING], ids=str)
def test_an_accelerator_is_given_nothing_of_the_processors(case, monkeypatch):
    """Tensors without data refuse to be mixed with the processor's, as an accelerator's do."""
    autocast = torch.autocast
    monkeypatch.setattr(
        torch, "autocast", lambda kind, *a, **k: nullcontext() if kind == "meta" else autocast(kind, *a, **k)
    )
    monkeypatch.setattr(torch.Tensor, "any", lambda _: True)
    with pytest.raises(RuntimeError, match="device"):
        torch.empty(1, device="meta") + torch.empty(1)
    result = TASKS[case.task](case, QUICK, torch.device("meta"))[0]()
    assert result is None or result.is_meta


def test_table_and_document(tmp_path, monkeypatch, capsys):
    cases = [Case(DEFLOW_TRANSLATION, PLAIN), Case(DEFLOW_TRANSLATION, "fast")]
    seconds = iter([8.0, 2.0])

    def in_process(case, sizes, result, device):
        torch.save(torch.zeros(3), result)
        taken = next(seconds)
        return Measured(taken, taken, 4e12 * taken, 1e9, 100, warm_up=8.0 - taken, rate_fraction=0.5)

    monkeypatch.setattr("patina.bench.__main__.CASES", cases)
    monkeypatch.setattr("patina.bench.running.in_process", in_process)
    monkeypatch.setattr("patina.bench.__main__.start_up", lambda: {"patina --help": 0.1})
    images = [{"task": "a codec", "path": "fast", "images": 8, "seconds": 2.0, "core_seconds": 0.4}]
    images[0] |= {"speed_up": 5.0, "core_speed_up": None}
    monkeypatch.setattr("patina.bench.__main__.image_rows", lambda quick, only: images)
    monkeypatch.setattr("patina.bench.__main__.engine_rows", lambda quick, only: [])
    assert main(["-out", str(tmp_path / "bench.json"), "-device", "cpu"]) == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    assert [row["speed_up"] for row in document["cases"]] == [1.0, 4.0]
    printed = capsys.readouterr().out
    assert printed.startswith(table(document))
    assert "| a codec | fast | 8 | 4.0 | 50.00 | 5.0 |  |" in printed
    assert "| DeFlow translation | fast | 2.00 s | 2.00 s | 6.0 s | 4.0 | 8.00 T | 50% |" in printed
    assert document["machine"]["processor"] in printed


def test_start_up_times_a_command_that_runs():
    with pytest.raises(subprocess.CalledProcessError):
        figures._seconds(["no-such-command"])


@pytest.mark.slow
def test_images_are_measured_in_stages_and_codecs_both_ways():
    rows = image_rows(True, None)
    paths = [row["path"] for row in rows]
    assert {"of it: reading PNG", "of it: lens_blur", "of it: resizing", "of it: writing PNG"} <= set(paths)
    assert all(row["seconds"] > 0 for row in rows)
    if ffmpeg_program() is not None and "h264" not in missing_codecs():
        assert paths[-2:] == ["h264, an ffmpeg process an image", "h264, PyAV"]


def test_a_process_and_the_memory_compress_alike():
    if ffmpeg_program() is None or "mpeg2" in missing_codecs():
        pytest.skip("needs ffmpeg and PyAV")
    image = np.uint8(np.indices((64, 64)).sum(axis=0) * 2)[..., None].repeat(3, axis=2)
    one, other = (work(ffmpeg_program(), image, "mpeg2", 4) for work in (_by_process, _in_memory))
    assert np.abs(one.astype(int) - other).mean() < 1
