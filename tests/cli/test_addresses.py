"""Sources and results at addresses: as in folders, also with connections that break."""

import json

import pytest

from degraded_sets import run
from patina.errors import ConfigError, PatinaError
from patina.specs.configuration import load_config
from patina.system import remote_files
from patina.system.place_names import named_as_given
from patina.system.place_paths import places_root
from sets import contents, ludvae_values, write_config, write_pictures
from stores import tarred

pytestmark = pytest.mark.distributed

fsspec = pytest.importorskip("fsspec")
RECIPE = {"scale": 2, "steps": [{"gaussian_noise": {"sigma": [2, 9]}}, {"resize": {"filter": "box", "of": "target"}}]}


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Give the working folders a place of their own, and wait for nothing."""
    monkeypatch.setenv("PATINA_PLACES", str(tmp_path / "places"))
    monkeypatch.setattr(remote_files, "PAUSES", (0.0, 0.0, 0.0))
    fsspec.filesystem("memory").store.clear()
    return tmp_path / "places"


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "in", 5, height=16, width=24)


@pytest.fixture
def recipe(tmp_path):
    return write_config(tmp_path / "noise.yml", RECIPE)


def upload(folder, address):
    files, path = fsspec.core.url_to_fs(address)
    files.put(f"{folder}/", path, recursive=True)


def stored(address) -> dict[str, bytes]:
    """Return what is at an address; logs without the place of their sources."""
    files, path = fsspec.core.url_to_fs(address)
    files.invalidate_cache()
    found = {name.removeprefix(path).lstrip("/"): files.cat_file(name) for name in files.find(path)}
    return {name: without_source(data) if name == "log.jsonl" else data for name, data in found.items()}


def without_source(log: bytes) -> bytes:
    first, _, rest = log.partition(b"\n")
    return json.dumps({**json.loads(first), "source": None}).encode() + rest


def results(folder) -> dict[str, bytes]:
    found = {name: data for name, data in contents(folder).items() if not name.startswith(".patina")}
    return {name: without_source(data) if name == "log.jsonl" else data for name, data in found.items()}


def test_results_are_those_of_folders(folder, recipe, tmp_path, monkeypatch, capsys):
    upload(folder, "memory://data/in")
    assert run("degrade", recipe, folder, tmp_path / "out", "-gt", tmp_path / "gt", "-workers", "1") == 0
    command = ["degrade", recipe, "memory://data/in", "memory://data/out", "-gt", "memory://data/gt", "-workers", "1"]
    assert run(*command) == 0
    assert stored("memory://data/out") == results(tmp_path / "out")
    assert stored("memory://data/gt") == results(tmp_path / "gt")
    assert stored("memory://data/in") == contents(folder)
    for place in ("places", "another machine"):
        monkeypatch.setenv("PATINA_PLACES", str(tmp_path / place))
        capsys.readouterr()
        assert run(*command) == 0
        assert "memory://data/out: all images are up to date" in capsys.readouterr().err
    fsspec.filesystem("memory").rm_file("/data/in/3.png")
    fsspec.filesystem("memory").pipe_file("/data/in/1.png", b"no image")
    assert run(*command) == 1
    assert "memory://data/in/1.png is not a PNG" in capsys.readouterr().err
    assert "1.png" not in stored("memory://data/out")


@pytest.mark.parametrize("machines", [1, 3])
def test_shards_are_merged_there(folder, recipe, tmp_path, monkeypatch, machines, capsys):
    (folder / "2.png").write_bytes(b"no image")
    upload(folder, "memory://data/in")
    assert run("degrade", recipe, folder, tmp_path / "out", "-workers", "1") == 1
    command = ["degrade", recipe, "memory://data/in", "memory://data/out", "-workers", "1"]
    for index in (1, 2):
        monkeypatch.setenv("PATINA_PLACES", str(tmp_path / f"machine {index % machines}"))
        assert run(*command, "-shard", f"{index}/2") == 2 - index
    assert stored("memory://data/out") == {}
    monkeypatch.setenv("PATINA_PLACES", str(tmp_path / "machine 0"))
    assert run("merge", "memory://data/out") == 1
    assert "1 image without a result: 2.png" in capsys.readouterr().err
    log = fsspec.filesystem("memory").cat_file("/data/out/log.jsonl")
    assert json.loads(log.partition(b"\n")[0])["source"] == "memory://data/in"
    assert stored("memory://data/out") == results(tmp_path / "out")
    assert stored("memory://data/out.shard-1-of-2") == {}


def test_shards_of_tars_are_merged_there(folder, recipe, tmp_path):
    upload(folder, "memory://data/in")
    how = ["-workers", "1", "-shard_size", "2"]
    assert run("degrade", recipe, folder, tmp_path / "out" / "%06d.tar", *how) == 0
    for index in (1, 2):
        assert (
            run("degrade", recipe, "memory://data/in", "memory://data/out/%06d.tar", "-shard", f"{index}/2", *how) == 0
        )
    assert stored("memory://data/out") == {}
    assert run("merge", "memory://data/out/%06d.tar") == 0
    assert stored("memory://data/out") == contents(tmp_path / "out")
    assert stored("memory://data/out.shard-1-of-2") == {}


def test_a_message_of_several_lines_keeps_them():
    with pytest.raises(PatinaError) as raised, named_as_given():
        raise PatinaError("first", f"second {places_root()}/memory/data")
    assert str(raised.value) == "first\nsecond memory://data"


def test_tars_come_and_go(folder, recipe, tmp_path):
    (tmp_path / "tars").mkdir()
    for number in range(2):
        tarred(write_pictures(tmp_path / f"part{number}", 2, seed=number), tmp_path / "tars" / f"a-{number}.tar")
    for number in range(2):  # one key in two tars is refused
        (tmp_path / f"part1/{number}.png").rename(tmp_path / f"part1/{number + 2}.png")
    tarred(tmp_path / "part1", tmp_path / "tars" / "a-1.tar")
    upload(tmp_path / "tars", "memory://data/tars")
    how = ["-workers", "1", "-shard_size", "3"]
    assert run("degrade", recipe, tmp_path / "tars/a-{0..1}.tar", tmp_path / "out" / "%06d.tar", *how) == 0
    for _ in range(2):
        assert run("degrade", recipe, "memory://data/tars/a-{0..1}.tar", "memory://data/out/%06d.tar", *how) == 0
    assert stored("memory://data/out") == contents(tmp_path / "out")


def test_a_broken_connection_is_retried_and_then_one_line(folder, recipe, monkeypatch, capsys):
    upload(folder, "memory://data/in")
    files, left = type(fsspec.filesystem("memory")), [0]
    command = ["degrade", recipe, "memory://data/in", "memory://data/out", "-workers", "1"]

    def breaking(real):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] >= 0:
                raise ConnectionResetError("reset by peer")
            return real(*arguments, **options)

        return call

    for number, method in enumerate(("find", "get_file", "put_file"), 1):
        with monkeypatch.context() as patch:
            patch.setattr(files, method, breaking(getattr(files, method)))
            left[0] = 10_000
            assert run(*command) == 2
            error = capsys.readouterr().err.strip().splitlines()[-1]
            assert "cannot be used 4 times (reset by peer); run the same command again" in error
            assert "places" not in error
            left[0] = 3
            assert run(*command) == 0
        assert len(stored("memory://data/out")) == 7
        (folder / "0.png").write_bytes((folder / f"{number}.png").read_bytes())  # more to do
        upload(folder, "memory://data/in")


def test_mistakes_are_one_line(recipe, folder, tmp_path, capsys):
    def refuse(*arguments):
        assert run(*arguments) == 2
        error = capsys.readouterr().err.strip()
        assert "\n" not in error
        return error

    assert "memory://nowhere: nothing is there" in refuse("degrade", recipe, "memory://nowhere", tmp_path / "out")
    assert "cannot be used (Protocol not known: nope)" in refuse("degrade", recipe, "nope://a", tmp_path / "out")
    assert "is not an address" in refuse("degrade", recipe, "memory://a/../b", tmp_path / "out")


def test_scores_name_addresses(folder, tmp_path):
    upload(folder, "memory://data/gt")
    damaged = sorted(folder.iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    upload(folder, "memory://data/in")
    flags = ("-metrics", "psnr", "-out", tmp_path / "scores")
    assert run("evaluate", "-results", "memory://data/in", "-gt", "memory://data/gt", *flags) == 1
    written = (tmp_path / "scores" / "scores.json").read_text()
    (failure,) = json.loads(written)["failures"]
    assert failure["image"] == f"memory://data/in/{damaged.name}"
    assert str(tmp_path / "places") not in written


def test_configurations_name_addresses(folder, tmp_path):
    upload(folder, "memory://data/in")
    values = ludvae_values(tmp_path)
    values["data"] |= {"clean": "memory://data/in", "real": "memory://data/in"}
    config = load_config(write_config(tmp_path / "c.yml", values))
    assert sorted(path.name for path in config.data.clean.iterdir()) == [f"{number}.png" for number in range(5)]
    tested = {"task": "test", "name": "x", "model": "bicubic", "sets": [{"name": "a", "lq": "in"}]}
    with pytest.raises(ConfigError, match="out is memory://data/out; only trainings write to addresses"):
        load_config(write_config(tmp_path / "d.yml", {**tested, "out": "memory://data/out"}))


@pytest.mark.slow
def test_an_object_store_of_its_own(folder, tmp_path, machine, monkeypatch):
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    pytest.importorskip("s3fs")
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "FSSPEC_S3_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    fsspec.config.set_conf_env(fsspec.config.conf)
    try:
        fsspec.filesystem("s3").mkdir("bucket")
        upload(folder, "s3://bucket/in")
        upscale = ["upscale", "-model", "bicubic", "-scale", "2"]
        assert run(*upscale, "-source", folder, "-out", tmp_path / "out") == 0
        assert run(*upscale, "-source", "s3://bucket/in", "-out", "s3://bucket/out", "-shard", "1/2") == 0
        read = [path for path in (machine / "s3/bucket/in").iterdir() if path.stat().st_mode & 0o400]
        assert sorted(path.name for path in read) == ["0.png", "2.png", "4.png"]  # the others are only listed
        assert run(*upscale, "-source", "s3://bucket/in", "-out", "s3://bucket/out", "-shard", "2/2") == 0
        assert run("merge", "s3://bucket/out") == 0
        assert stored("s3://bucket/out") == results(tmp_path / "out")
    finally:
        server.stop()
        fsspec.config.conf.pop("s3", None)
