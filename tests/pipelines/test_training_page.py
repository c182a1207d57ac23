"""A training's own page."""

import json

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.picture_files import write_picture
from patina.pipelines.training_page import training_page


def write_run(folder, *, sets=("",), finished=True):
    """Write what a training of a restoration network leaves, without training."""
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text("task: restoration\nname: tiny\n")
    lines = [{"version": "0.1.0", "command": "train"}]
    for step in (10, 20, 30):
        lines.append({"part": "train", "step": step, "l1": 1 / step, "steps_per_second": 2.0, "time": step})
        psnr = {f"{name}psnr": 20.0 + (step if step < 30 else 5) / 10 for name in sets}
        lines.append({"part": "valid", "step": step, **psnr, "time": step})
    lines.append({"part": "event", "step": 20, "message": "psnr is 22, the best so far <b>"})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for step in (10, 30):
        write_picture(folder / f"previews/{step:07d}/results.png", np.full((8, 12, 3), step, np.uint8))
    (folder / "models").mkdir()
    if finished:
        (folder / "models/final.safetensors").write_bytes(b"")


def test_a_page_holds_curves_sheets_configuration_and_the_best_numbers(tmp_path, capsys):
    write_run(tmp_path / "run", sets=("phone/", "bsd/"))
    assert run_command("report", [str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert "tiny, run: 30 steps, finished, 2 steps per second (median); 1 model." in printed
    html = (tmp_path / "run/training.html").read_text()
    assert html.count("<svg") == 3
    assert "Validation at step 30: results" in html
    assert html.count("data:image/png;base64,") == 1
    assert "task: restoration" in html
    assert "the best so far &lt;b&gt;" in html
    assert "<script" not in html
    [phone, bsd] = training_page(tmp_path / "run").values["runs"][0]["best"]
    assert (phone["name"], bsd["name"]) == ("phone/psnr", "bsd/psnr")
    assert (phone["first"], phone["best"], phone["step"], phone["last"]) == ("21", "22", 20, "20.5")


def test_stages_share_a_page_in_the_order_of_their_training(tmp_path):
    write_run(tmp_path / "run/psnr")
    write_run(tmp_path / "run/gan", finished=False)
    log = tmp_path / "run/gan/log.jsonl"
    log.write_text(log.read_text().replace('"time": ', '"time": 10'))
    runs = training_page(tmp_path / "run").values["runs"]
    assert [run["name"] for run in runs] == ["psnr", "gan"]
    assert "not finished" in runs[1]["summary"]


def test_a_folder_without_a_training_is_refused(tmp_path):
    with pytest.raises(PatinaError, match="holds no training"):
        training_page(tmp_path)
