"""Commands write tars that other programs read, byte for byte the same after a kill."""

import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from degraded_sets import VALUES, run
from patina.data.pairs import match_pairs
from patina.imaging.sources import list_sources
from patina.pipelines import tar_output
from patina.runs.tar_set import TarSet
from sets import contents, write_config, write_pictures
from small_ludvae import write_model
from stores import tarred, write_tar

RECIPE = {"scale": 2, "steps": [{"gaussian_noise": {"sigma": [2, 9]}}, {"resize": {"filter": "box", "of": "target"}}]}
pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("one_process")]


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "in", 7)


@pytest.fixture
def recipe(tmp_path):
    return write_config(tmp_path / "noise.yml", RECIPE)


@pytest.fixture
def commands(recipe, tmp_path):
    """Return the arguments of every command, with IN and OUT for its folders."""
    model = write_model(tmp_path / "tiny.safetensors")
    return {
        "degrade": ["degrade", recipe, "IN", "OUT", "-workers", "1"],
        "translate": ["translate", "-model_path", model, "-source", "IN", "-out", "OUT"],
        "upscale": ["upscale", "-model", "bicubic", "-scale", "2", "-source", "IN", "-out", "OUT"],
    }


def filled(command, source, out, *more):
    places = {"IN": source, "OUT": out}
    return [*(places.get(part, part) if isinstance(part, str) else part for part in command), *more]


def tarred_files(folder) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {info.name: tar.extractfile(info).read() for info in tar}
    return found


@pytest.mark.parametrize("name", ["degrade", "translate", "upscale"])
def test_tars_hold_the_results_of_the_folder(commands, folder, tmp_path, name, capsys):
    pattern = tmp_path / "tars" / "%06d.tar"
    assert run(*filled(commands[name], folder, pattern, "--shard_size", "3")) == 0
    assert run(*filled(commands[name], folder, tmp_path / "out")) == 0
    plain = {file: data for file, data in contents(tmp_path / "out").items() if file.endswith(".png")}
    packed = tarred_files(tmp_path / "tars")
    assert {file: data for file, data in packed.items() if file.endswith(".png")} == plain
    assert len(packed) == 2 * len(plain) == 14
    drawn = json.loads(packed["3.json"])
    line = next(line for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines() if '"3.png"' in line)
    assert drawn.items() <= json.loads(line).items()
    assert drawn["source"] == "3.png"
    assert sorted(path.name for path in (tmp_path / "tars").iterdir()) == [
        f"{number:06d}.{suffix}" for number in range(3) for suffix in ("json", "tar")
    ]
    before = contents(tmp_path / "tars")
    capsys.readouterr()
    assert run(*filled(commands[name], folder, pattern, "--shard_size", "3")) == 0
    assert "all images are up to date" in capsys.readouterr().err
    assert contents(tmp_path / "tars") == before


def test_webdataset_reads_the_pairs(recipe, folder, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    (folder / "3.png").rename(folder / "a.b.png")
    out = tmp_path / "tars" / "%06d.tar"
    assert run("degrade", recipe, folder, out, "-gt", out, "-workers", "1", "--shard_size", "4") == 0
    assert run("degrade", recipe, folder, tmp_path / "lq", "-gt", tmp_path / "gt", "-workers", "1") == 0
    data = webdataset.WebDataset(str(tmp_path / "tars" / "{000000..000001}.tar"), shardshuffle=False).decode("rgb8")
    samples = {sample["__key__"]: sample for sample in data}
    assert sorted(samples) == ["0", "1", "2", "4", "5", "6", "a_b"]
    for key, sample in samples.items():
        for part in ("lq", "gt"):
            expected = Image.open(tmp_path / part / f"{'a.b' if key == 'a_b' else key}.png")
            assert np.array_equal(sample[f"{part}.png"], np.asarray(expected))
        assert [step["op"] for step in sample["json"]["steps"]] == ["gaussian_noise", "resize"]
    assert len(match_pairs(tmp_path / "tars", tmp_path / "tars", 2)) == 7


def test_variants_are_keys_of_their_own(folder, tmp_path):
    recipe, out = write_config(tmp_path / "v.yml", VALUES), tmp_path / "tars" / "%06d.tar"
    assert run("degrade", recipe, folder, out, "-gt", out, "-workers", "1", "--shard_size", "4") == 0
    assert run("degrade", recipe, folder, tmp_path / "lq", "-workers", "1") == 0
    packed = tarred_files(tmp_path / "tars")
    plain = {file: data for file, data in contents(tmp_path / "lq").items() if file.endswith(".png")}
    assert {f"{file.removesuffix('.png')}.lq.png": data for file, data in plain.items()} == {
        file: data for file, data in packed.items() if file.endswith(".lq.png")
    }
    assert packed["mixed/2.gt.png"] == packed["plain/2.gt.png"] != packed["plain/3.gt.png"]


def prepared(source, out, *more):
    return ["prepare", "-source", source, "-target", out, "-workers", "1", "-shard_size", "4", *more]


def test_sets_are_prepared_in_tars(folder, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    assert run(*prepared(folder, tmp_path / "tars" / "%06d.tar", "-scales", "1", "2")) == 0
    assert run("prepare", "-source", folder, "-target", tmp_path / "set", "-scales", "1", "2", "-workers", "1") == 0
    data = webdataset.WebDataset(str(tmp_path / "tars" / "{000000..000001}.tar"), shardshuffle=False).decode("rgb8")
    samples = {sample["__key__"]: sample for sample in data}
    assert sorted(samples) == list("0123456")
    for scale in (1, 2):
        for key, sample in samples.items():
            expected = Image.open(tmp_path / "set" / f"{scale}x" / f"{key}.png")
            assert np.array_equal(sample[f"{scale}x.png"], np.asarray(expected))
    assert samples["3"]["json"]["sums"]["2"]["pixels"] == 24 * 32
    grid = ["-mode", "tiles", "-side", "16"]
    assert run(*prepared(folder, tmp_path / "tiles" / "%06d.tar", *grid)) == 0
    assert run("prepare", "-source", folder, "-target", tmp_path / "plain", *grid, "-workers", "1") == 0
    plain = {file: data for file, data in contents(tmp_path / "plain").items() if file.endswith(".png")}
    packed = tarred_files(tmp_path / "tiles")
    assert {file: data for file, data in packed.items() if file.endswith(".png")} == plain
    assert len(list_sources(tmp_path / "tiles")) == len(plain)


@pytest.mark.parametrize("name", ["degrade", "upscale", "prepare"])
def test_shards_of_tars_are_merged(commands, folder, tmp_path, name, capsys):
    (folder / "2.png").write_bytes(b"no image")
    commands["prepare"] = prepared("IN", "OUT", "-scales", "1", "2")
    options = [] if name == "prepare" else ["-shard_size", "4"]
    options += ["-gt", "OUT"] if name == "degrade" else []
    command = [*commands[name], *options]
    assert run(*filled(command, folder, tmp_path / "whole" / "%06d.tar")) == 1
    out = tmp_path / "out" / "%06d.tar"
    for index in (2, 1, 3):
        capsys.readouterr()
        assert run("merge", out) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert run(*filled(command, folder, out, "-shard", f"{index}/3")) == (1 if index == 3 else 0)
    capsys.readouterr()
    assert run("merge", out, "--keep") == 1
    assert "1 image without a result: 2.png" in capsys.readouterr().err
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    (tmp_path / "out" / "000001.tar").unlink()  # as a merge that was killed leaves it
    (tmp_path / "out" / "000001.json").unlink()
    assert run("merge", out) == 1
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not list(tmp_path.glob("out.shard-*"))


def test_shards_of_tars_that_differ_are_refused(recipe, folder, tmp_path, capsys):
    out, first = tmp_path / "out" / "%06d.tar", tmp_path / "out.shard-1-of-2"
    for index, seed in ((1, 0), (2, 5)):
        assert run("degrade", recipe, folder, out, "-seed", seed, "-workers", "1", "-shard", f"{index}/2") == 0

    def refuse():
        capsys.readouterr()
        assert run("merge", out) == 2
        return capsys.readouterr().err.strip()

    assert "shard 2/2 was made with seed 5, now 0 in shard 1/2" in refuse()
    tar = first / "000000.tar"
    kept = tar.read_bytes()
    tar.write_bytes(kept[:-1])
    assert f"{tar} is incomplete" in refuse()
    tar.unlink()
    assert f"{tar} is missing" in refuse()
    tar.write_bytes(kept)
    statistics = first / "000000.json"
    statistics.write_text(statistics.read_text().replace('"version": "', '"version": "0.'))
    assert "was made by version" in refuse()
    (first / "sources.json").unlink()
    assert f"{first} is not finished; run the command with -shard 1/2 again" in refuse()
    assert tar.read_bytes() == kept


@pytest.mark.slow
@pytest.mark.parametrize("name", ["degrade", "translate", "upscale"])
def test_a_killed_command_continues(commands, folder, tmp_path, name, monkeypatch):
    monkeypatch.setattr(tar_output, "PART", 2)
    options = ("--shard_size", "3")
    if name == "degrade":
        commands[name] += ["-gt", "OUT"]
    assert run(*filled(commands[name], folder, tmp_path / "whole" / "%06d.tar", *options)) == 0
    add, left = TarSet.add, [0]

    def killed(self, samples):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return add(self, samples)

    for calls in (1, 3, 4, 6):
        out = tmp_path / f"out{calls}" / "%06d.tar"
        left[0] = calls
        with monkeypatch.context() as patch:
            patch.setattr(TarSet, "add", killed)
            run(*filled(commands[name], folder, out, *options))
        assert not (out.parent / "000002.tar").exists()
        assert run(*filled(commands[name], folder, out, *options)) == 0
        assert contents(out.parent) == contents(tmp_path / "whole")


def test_images_that_fail_are_counted_and_left_out(recipe, folder, tmp_path, capsys):
    (folder / "2.png").write_bytes(b"no image")
    out = tmp_path / "tars" / "%06d.tar"
    assert run("degrade", recipe, folder, out, "-workers", "1", "--shard_size", "3") == 1
    assert "1 of 7 images failed and were skipped" in capsys.readouterr().err
    found = [json.loads((tmp_path / "tars" / f"00000{number}.json").read_text()) for number in range(2)]
    assert [(one["count"], one["sources"]) for one in found] == [(3, 4), (3, 3)]


def test_tars_are_made_of_tars(recipe, folder, tmp_path):
    tarred(folder, tmp_path / "in.tar")
    for source, name in ((folder, "a"), (tmp_path / "in.tar", "b")):
        assert run("degrade", recipe, source, tmp_path / name / "%06d.tar", "-workers", "1") == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_several_samples_and_processes(recipe, folder, tmp_path):
    model = write_model(tmp_path / "tiny.safetensors")
    out = tmp_path / "t" / "%06d.tar"
    options = ["-samples", "2", "--shard_size", "4"]
    assert run("translate", "-model_path", model, "-source", folder, "-out", out, *options) == 0
    assert [source.name for source in list_sources(tmp_path / "t" / "000000.tar")] == [
        "0_0.png", "0_1.png", "1_0.png", "1_1.png",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_tars_do_not_depend_on_the_number_of_processes(recipe, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tar_output, "PART", 3)
    for workers in ("1", "2"):
        assert run("degrade", recipe, folder, tmp_path / workers / "%06d.tar", "-workers", workers) == 0
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_mistakes_are_one_line(recipe, folder, tmp_path, capsys):
    out = tmp_path / "tars" / "%06d.tar"
    degrade = ["degrade", recipe, folder]

    def refuse(*arguments):
        capsys.readouterr()
        assert run(*arguments) == 2
        error = capsys.readouterr().err.strip()
        assert "\n" not in error
        return error

    assert "LQ and GT images lie in the same tars, expected" in refuse(*degrade, out, "-gt", tmp_path / "gt")
    assert "has only 7 images" in refuse(*degrade, out, "--shard", "1/8")
    categories = ["prepare", "-mode", "categories", "-source", folder, "-target", out]
    assert "mode categories writes folders" in refuse(*categories)
    assert "-shard_size and -shard_mb apply to tars only" in refuse(*degrade, tmp_path / "out", "--shard_size", "3")
    assert "-shard_size is 0, expected 1 or more" in refuse(*degrade, out, "--shard_size", "0")
    assert "tars are numbered" in refuse(*degrade, tmp_path / "out.tar")
    assert "source and output are the same folder" in refuse(*degrade, folder / "%06d.tar")
    source = write_tar(tmp_path / "tars" / "000000.tar", [("a.png", (folder / "0.png").read_bytes())])
    assert "is a source and would be overwritten" in refuse("degrade", recipe, source, out)
    assert "were not made by this command, or 000000.json is missing" in refuse(*degrade, out)
    (folder / "a.1.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "a_1.png").write_bytes((folder / "0.png").read_bytes())
    assert "would both have the key a_1" in refuse(*degrade, tmp_path / "new" / "%06d.tar")
