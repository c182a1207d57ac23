"""Validation sets and optimisers of neosr's and traiNNer-redux's option files."""

import pytest
from test_training_options import NEOSR, REDUX

from patina.cli.main import main
from patina.specs.configuration import load_config


def test_several_validation_sets_keep_their_names(tmp_path):
    more = '\n[datasets.val_2]\nname = "Urban 100"\ntype = "paired"\ndataroot_gt = "u/gt"\ndataroot_lq = "u/lq"\n'
    (tmp_path / "o.toml").write_text(NEOSR + more, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.toml")]) == 0
    found = load_config(tmp_path / "o-training.yml").validation
    assert {name: one.lq for name, one in found.items()} == {
        "val": tmp_path / "val/lq",
        "Urban-100": tmp_path / "u/lq",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{type: AdamWScheduleFree, lr: 0.001, betas: [0.9, 0.99]}", "adamw_schedulefree"),
        ("{type: adamw_sf, lr: 0.001, schedule_free: true}", "adamw_schedulefree"),
        ("{type: AdamW, lr: 0.001, schedule_free: true}", "adamw_schedulefree"),
        ("{type: Lion, lr: 0.001}", "lion"),
        ("{type: NAdam, lr: 0.001}", "adamw"),
    ],
)
def test_optimisers_keep_their_names(tmp_path, capsys, given, expected):
    text = REDUX.replace("{type: AdamW, lr: !!float 2e-4, weight_decay: 0, betas: [0.9, 0.99]}", given)
    (tmp_path / "o.yml").write_text(text, encoding="utf-8")
    assert main(["convert", str(tmp_path / "o.yml"), "-out", str(tmp_path / "r.yml")]) == 0
    told = capsys.readouterr().err
    assert ("optim_g.type" in told) == (expected == "adamw")
    stage = load_config(tmp_path / "r-training.yml").stages[0]
    assert (stage.optimiser, stage.ema) == (expected, 0.99)
    is_free = expected.endswith("schedulefree")
    assert ("train.scheduler of a schedule-free optimiser" in told) == is_free
    assert stage.milestones == (() if is_free else (1000, 2000))
