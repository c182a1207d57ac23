"""Working folders: nothing is lost that was not sent, and nothing is touched that is not theirs."""

import os
import shutil

import pytest

from patina.errors import PatinaError
from patina.runs.run_folder import RunFolder
from patina.runs.run_mirror import RunMirror
from patina.system import remote_files
from patina.system.place_paths import places_root, remote_of
from patina.system.places import WorkingPlace, working_folder

fsspec = pytest.importorskip("fsspec")
RUN = "memory://data/runs/tiny"


@pytest.fixture(autouse=True)
def service(tmp_path, monkeypatch):
    """Return an empty service that is never waited for."""
    monkeypatch.setenv("PATINA_PLACES", str(tmp_path / "places"))
    monkeypatch.setattr(remote_files, "PAUSES", ())
    service = fsspec.filesystem("memory")
    service.store.clear()
    return service


@pytest.fixture
def run():
    """Return the folder of a training that was sent, and has gone on since."""
    run = WorkingPlace.of(RUN).local
    for name in ("log.jsonl", "tb/events", "models/2.safetensors", "models/best.safetensors", "training_state/2.state"):
        write(run / name, "sent")
    RunMirror(run).send()
    write(run / "log.jsonl", "sent, and more")
    write(run / "tb/events", "sent, and more")
    write(run / "models/best.safetensors", "better than what was sent")
    return run


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("saved", ["", "4.state"], ids=["between two saves", "a state was not sent"])
@pytest.mark.parametrize("asked", ["", "/tiny", "/tiny/models/best.safetensors", "/tiny/models"])
def test_who_reads_a_run_loses_nothing_that_was_not_sent(service, run, saved, asked):
    write(run / "models/4.safetensors", "not sent")
    if saved:
        write(run / "training_state" / saved, "not sent")
    before = contents(run)
    assert working_folder(f"memory://data/runs{asked}") == run.parent / asked.strip("/")
    assert contents(run) == before
    RunMirror(run).send()
    assert {name.removeprefix("/data/runs/tiny/") for name in service.find("/data/runs/tiny")} == {*before}


def test_a_run_that_another_machine_continued_is_read_as_it_is_there(service, run):
    service.pipe_file("/data/runs/tiny/log.jsonl", b"of another machine")
    service.pipe_file("/data/runs/tiny/training_state/6.state", b"of another machine")
    service.rm_file("/data/runs/tiny/models/2.safetensors")
    working_folder(RUN)
    assert (run / "log.jsonl").read_text() == "of another machine"
    assert not (run / "models/2.safetensors").exists()


def test_what_was_changed_here_and_is_gone_there_stays(service, run):
    service.rm_file("/data/runs/tiny/log.jsonl")
    working_folder(RUN)
    assert (run / "log.jsonl").read_text() == "sent, and more"


def test_a_run_that_was_neither_sent_nor_made_is_missing(service, run):
    with pytest.raises(PatinaError, match=r"memory://data/runs/tiny/models/8\.safetensors: nothing is there"):
        working_folder(f"{RUN}/models/8.safetensors")


@pytest.mark.parametrize("alike", ["a%b", "a%2Fb"])
def test_places_of_similar_names_know_nothing_of_each_other(service, alike):
    places = [WorkingPlace.of(f"memory://data/{path}") for path in ("a/b", alike)]
    write(places[0].local / "0.png", "an image")
    places[0].push()
    os.makedirs(places[1].local)
    shutil.copy2(places[0].local / "0.png", places[1].local)  # of the same size and time, and never sent
    places[1].pull(is_result=True)
    assert contents(places[1].local) == {"0.png": "an image"}
    places[1].push()
    assert {*service.find("/data")} == {"/data/a/b/0.png", f"/data/{alike}/0.png"}


def test_addresses_may_be_longer_than_a_file_name(service):
    above, inside = (WorkingPlace.of("memory://data" + depth * "/ü%folder") for depth in (40, 41))
    write(inside.local / "0.png", "an image")
    inside.push()
    write(inside.local / "1.png", "not sent")
    working_folder(str(above.remote))
    assert contents(inside.local) == {"0.png": "an image", "1.png": "not sent"}
    inside.push()
    assert len(service.find(f"/{above.remote.path}")) == 2


def test_hidden_files_there_stay(service):
    service.pipe_file("/data/lq/.dvc/config", b"theirs")
    service.pipe_file("/data/lq/.gitignore", b"theirs")
    place = WorkingPlace.of("memory://data/lq")
    place.pull(is_result=True)
    write(place.local / "0.png", "an image")
    place.push()
    assert service.find("/data/lq") == ["/data/lq/.dvc/config", "/data/lq/.gitignore", "/data/lq/0.png"]


def test_only_what_is_half_sent_of_files_that_are_gone_is_removed(tmp_path):
    there = tmp_path / "there"
    write(there / ".part-old.png", "half")
    write(there / ".part-0.png", "half, and perhaps being sent")
    place = WorkingPlace.of(f"file://{there}")
    write(place.local / "0.png", "an image")
    write(place.local / "1.png", "an image")
    place.push()
    assert {*contents(there)} == {"0.png", "1.png"}


@pytest.mark.parametrize("given", ["places", "~/places"])
def test_the_places_may_be_given_from_here_or_from_home(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATINA_PLACES", given)
    assert places_root() == tmp_path / "places"
    run = WorkingPlace.of(RUN).local
    assert remote_of(run) == WorkingPlace.of(RUN).remote
    write(run / "log.jsonl", "sent")
    RunMirror(run).send()
    assert fsspec.filesystem("memory").cat_file("/data/runs/tiny/log.jsonl") == b"sent"


def test_what_a_recipe_makes_again_is_not_sent(service, run):
    write(run / "clean_images/0.png", "degraded")
    write(run / "sets/clean/2x/0.png", "degraded")
    RunMirror(run).send()
    assert not service.exists("/data/runs/tiny/clean_images")
    assert not service.exists("/data/runs/tiny/sets")
    RunMirror(run).fetch()
    assert (run / "clean_images/0.png").exists()


def test_what_was_sent_before_a_break_is_not_sent_again(service, monkeypatch):
    place, sent = WorkingPlace.of("memory://data/out"), []
    put_file = type(service).put_file

    def put(self, local, path, **options):
        if "breaks" in path:
            raise ConnectionResetError("reset by peer")
        sent.append(path.rpartition("/")[2])
        return put_file(self, local, path, **options)

    monkeypatch.setattr(type(service), "put_file", put)
    for name in ("0.png", "1.png", "breaks.png"):
        write(place.local / name, name)
    for _ in range(2):
        with pytest.raises(PatinaError, match="reset by peer"):
            place.push()
    (place.local / "0.png").unlink()
    (place.local / "breaks.png").rename(place.local / "works.png")
    place.push()
    assert sent == ["0.png", "1.png", "works.png"]
    assert service.find("/data/out") == ["/data/out/1.png", "/data/out/works.png"]
    place.pull(is_result=True)
    assert contents(place.local) == {"1.png": "1.png", "works.png": "breaks.png"}


def test_a_state_that_is_gone_is_not_told_as_damaged(service, run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATINA_PLACES", str(tmp_path / "another machine"))
    run = WorkingPlace.of(RUN).local
    monkeypatch.setattr(remote_files.Remote, "get", gone)
    (run / "training_state").mkdir(parents=True)
    (run / "training_state/2.state").write_bytes(b"only listed")
    (run / "training_state/2.state").chmod(0o200)
    with pytest.raises(PatinaError, match=r"2\.state: it is no longer there; run the same command again"):
        RunFolder(run, "tiny").load_last_state()


def gone(*_, **__):
    raise FileNotFoundError
