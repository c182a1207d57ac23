"""Commands and trainings give the same results of images in tars or an LMDB as of a folder with the images."""

import numpy as np
import pytest
import torch

from degraded_sets import run
from patina.data.domains import open_images
from patina.data.pairs import PairedPatches, match_pairs
from patina.pipelines.shard_merge import merge
from patina.specs.paired_data import LQSettings, PairedSources, paired_patches
from sets import contents, write_config, write_pictures
from small_ludvae import write_model
from stores import tarred, write_lmdb, write_tar

RECIPE = {"scale": 2, "steps": [{"gaussian_noise": {"sigma": [2, 9]}}, {"resize": {"filter": "box", "of": "target"}}]}
pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("one_process")]


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "in", 4)


@pytest.fixture
def tars(folder, tmp_path):
    tarred(folder, tmp_path / "tars" / "00.tar", ["0.png", "1.png"])
    tarred(folder, tmp_path / "tars" / "01.tar", ["2.png", "3.png"])
    return tmp_path / "tars" / "{00..01}.tar"


@pytest.fixture
def commands(tmp_path):
    recipe, model = write_config(tmp_path / "noise.yml", RECIPE), write_model(tmp_path / "tiny.safetensors")
    return {
        "degrade": ["degrade", recipe, "IN", "OUT", "-workers", "1"],
        "translate": ["translate", "-model_path", model, "-source", "IN", "-out", "OUT"],
        "upscale": ["upscale", "-model", "bicubic", "-scale", "2", "-source", "IN", "-out", "OUT"],
        "prepare": ["prepare", "-source", "IN", "-target", "OUT", "-scales", "1", "2", "-workers", "1"],
        "tiles": ["prepare", "-mode", "tiles", "-side", "16", "-source", "IN", "-target", "OUT", "-workers", "1"],
    }


def images(folder):
    return {name: data for name, data in contents(folder).items() if name.endswith(".png")}


@pytest.mark.parametrize("name", ["degrade", "translate", "upscale", "prepare", "tiles"])
def test_results_are_those_of_the_folder(commands, folder, tars, tmp_path, name, capsys):
    for source, out in ((folder, "a"), (tars, "b")):
        places = {"IN": source, "OUT": tmp_path / out}
        assert run(*(places.get(part, part) if isinstance(part, str) else part for part in commands[name])) == 0
    assert images(tmp_path / "b") == images(tmp_path / "a") != {}
    before = contents(tmp_path / "b")
    capsys.readouterr()
    assert run(*({"IN": tars, "OUT": tmp_path / "b"}.get(part, part) if isinstance(part, str) else part
                 for part in commands[name])) == 0  # fmt: skip
    assert contents(tmp_path / "b") == before


def test_a_log_is_replayed_from_tars(commands, tars, tmp_path):
    assert run("degrade", commands["degrade"][1], tars, tmp_path / "a", "-workers", "1") == 0
    for number, source in enumerate(([], ["-source", tars], ["-source", tars.parent])):
        assert run("replay", tmp_path / "a" / "log.jsonl", "-out", tmp_path / f"r{number}", *source) == 0
        assert images(tmp_path / f"r{number}") == images(tmp_path / "a") != {}


def test_shards_of_tars_are_merged(folder, tars, tmp_path):
    upscale = ["upscale", "-model", "bicubic", "-scale", "2", "-source", tars, "-out"]
    assert run(*upscale, tmp_path / "whole") == 0
    for index in (1, 2):
        assert run(*upscale, tmp_path / "out", "--shard", f"{index}/2") == 0
    merge(tmp_path / "out")
    left = {name: data for name, data in contents(tmp_path / "out").items() if not name.startswith(".patina")}
    assert left == {name: data for name, data in contents(tmp_path / "whole").items() if not name.startswith(".patina")}


@pytest.fixture
def pairs(folder, tmp_path):
    """Return pairs as two folders, and as one set of two tars."""
    assert run("upscale", "-model", "bicubic", "-scale", "2", "-source", folder, "-out", tmp_path / "gt") == 0
    (tmp_path / "gt" / "log.jsonl").unlink()
    members = [
        (f"{key}.{part}.png", (place / f"{key}.png").read_bytes())
        for key in range(4)
        for part, place in (("gt", tmp_path / "gt"), ("lq", folder))
    ]
    write_tar(tmp_path / "pairs" / "0.tar", members[:6])
    write_tar(tmp_path / "pairs" / "1.tar", members[6:])
    return folder, tmp_path / "gt", tmp_path / "pairs"


def same(first, second) -> bool:
    places = [(step, slot) for step in (1, 2, 7) for slot in range(2)]
    return all(torch.equal(first[place][name], second[place][name]) for place in places for name in ("lq", "gt"))


def test_training_samples_are_those_of_the_folders(pairs, tmp_path):
    lq, gt, tars = pairs
    options = {"patch": 32, "scale": 2, "batch": 2, "seed": 5}
    plain = PairedPatches(match_pairs(lq, gt, 2), **options)
    assert same(plain, PairedPatches(match_pairs(tars, tars, 2), **options))
    recipe = write_config(tmp_path / "noise.yml", RECIPE)
    options |= {"device": "cpu"}

    def weighted(lq, gt):
        sources = [LQSettings(path=lq, weight=3), LQSettings(path=recipe)]
        return paired_patches(PairedSources(lq=sources, gt=gt), **options)[0]

    from_folders, from_tars = weighted(lq, gt), weighted(tars, tars)
    places = [(step, slot) for step in range(1, 9) for slot in range(2)]
    from_folder = [place for place in places if torch.equal(from_folders[place]["lq"], from_tars[place]["lq"])]
    assert all(torch.equal(from_folders[place]["gt"], from_tars[place]["gt"]) for place in places)
    assert len(from_folder) > len(places) // 2


def test_members_in_folders_have_the_names_of_their_results(folder, tmp_path):
    member = (folder / "0.png").read_bytes()
    tar = write_tar(tmp_path / "lq.tar", [("2019/a.png", member), ("2019/b.png", member)])
    assert run("upscale", "-model", "bicubic", "-scale", "2", "-source", tar, "-out", tmp_path / "out") == 0
    assert [pair.stem for pair in match_pairs(tar, tmp_path / "out", 2)] == ["2019_a", "2019_b"]


def test_domains_are_read_from_tars(folder, tars):
    plain, stored = open_images("clean", folder), open_images("clean", tars)
    assert np.allclose(plain.image_statistics.mean, stored.image_statistics.mean)
    assert len(stored.images) == 4


def test_an_lmdb_is_a_source(folder, tmp_path):
    pytest.importorskip("lmdb")
    store = write_lmdb(tmp_path / "set.lmdb", {path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    recipe = write_config(tmp_path / "noise.yml", RECIPE)
    for source, out in ((folder, "a"), (store, "b")):
        assert run("degrade", recipe, source, tmp_path / out, "-workers", "1") == 0
    assert images(tmp_path / "b") == images(tmp_path / "a") != {}
    options = {"patch": 32, "scale": 1, "batch": 2, "seed": 5}
    plain, stored = (PairedPatches(match_pairs(place, place, 1), **options) for place in (folder, store))
    assert same(plain, stored)
