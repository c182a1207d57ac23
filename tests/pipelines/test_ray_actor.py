"""What an actor of a cluster answers: failures name the user's files, and what stops the command its machine."""

import errno
import os
import socket
from functools import partial
from pathlib import Path

import pytest

from degraded_sets import run
from patina.imaging.sources import Source
from patina.pipelines.ray_actor import ClusterItem, ClusterWork, ImageActor
from patina.pipelines.upscaling import UpscaleRequest, _in_actor
from patina.runs.journal import Wanted
from sets import write_pictures

pytestmark = pytest.mark.distributed


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "in", 2, height=16, width=16)


@pytest.fixture
def item(folder):
    return ClusterItem(Source(folder / "0.png", "0.png"), Wanted("0.png", "0.png"))


@pytest.fixture
def work(folder):
    return ClusterWork(partial(_in_actor, UpscaleRequest("bicubic", folder, folder, scale=2)), {}, os.getcwd())


def test_images_that_fail_have_their_own_names(item, work, tmp_path):
    actor = ImageActor()
    assert actor.open(work) == ""
    answer = actor.make([item], [b"no image"], {"results": str(tmp_path / "out")})
    assert answer.error == ""
    assert str(item.source.path) in answer.outcomes[0].failure
    assert "patina-" not in answer.outcomes[0].failure


def test_a_full_disk_of_one_worker_is_named(item, work, tmp_path, monkeypatch):
    actor = ImageActor()
    actor.open(work)

    def full(path, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = actor.make([item], [b"data"], {"results": str(tmp_path / "out")})
    assert answer.error.startswith(f"{socket.gethostname()}: ")
    assert "0.png cannot be used: No space left on device; fix this, then run the command again" in answer.error
    assert not answer.files


def test_workers_that_differ_are_named(item, work, tmp_path):
    def refusal(**changes) -> str:
        told = ImageActor().open(ClusterWork(**{**vars(work), **changes}))
        assert told.startswith(f"{socket.gethostname()}: ")
        return told

    model = tmp_path / "net.safetensors"
    model.write_bytes(b"weights")
    assert "differs from the command's file" in refusal(files={str(model): "0" * 16})
    assert "gone cannot be used (No such file or directory); mount it" in refusal(folder=str(tmp_path / "gone"))
    assert "the command 0.0.0; install one version on all machines" in refusal(version="0.0.0")


def test_flags_of_the_other_engine_are_refused(folder, tmp_path, capsys):
    upscale = ["upscale", "-model", "bicubic", "-scale", "2", "-source", folder, "-out", tmp_path / "out"]
    assert run(*upscale, "-actors", "2") == 2
    assert "-actors applies to -engine ray only" in capsys.readouterr().err
    assert run("degrade", "web-photo", folder, tmp_path / "out", "-engine", "ray", "-workers", "2") == 2
    assert "-workers does not apply to -engine ray" in capsys.readouterr().err


def test_an_address_where_nobody_listens_is_refused(folder, tmp_path, monkeypatch, capsys):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    upscale = ["upscale", "-model", "bicubic", "-scale", "2", "-source", folder, "-out", tmp_path / "out"]
    assert run(*upscale, "-engine", "ray") == 2
    assert "RAY_ADDRESS is 127.0.0.1:1, where no Ray cluster answers" in capsys.readouterr().err
