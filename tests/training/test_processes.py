"""The meeting of a training's processes, as torchrun and `fabric run` start them."""

import pytest

from patina.errors import PatinaError
from patina.training.processes import fabric_of_processes

STARTED = {"TORCHELASTIC_RUN_ID": "one", "LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "1", "LT_CLI_USED": "1"}


@pytest.mark.parametrize(
    ("flag", "value"), [("strategy", "ddp"), ("precision", "16-mixed"), ("accelerator", "cuda"), ("strategy", "fsdp")]
)
def test_flags_of_fabric_run_that_contradict_the_training_are_one_line(monkeypatch, flag, value):
    for name, setting in (STARTED | {f"LT_{flag.upper()}": value}).items():
        monkeypatch.setenv(name, setting)
    with pytest.raises(PatinaError, match=f"^`fabric run --{flag} {value}` contradicts the training; leave that out"):
        fabric_of_processes("cpu", "32-true")
