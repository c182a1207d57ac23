"""Pictures in subfolders, as the commands that take them do."""

import pytest

from patina.cli.main import run_command
from patina.data.manifest import load_manifest
from patina.data.pairs import match_pairs
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, write_picture
from patina.imaging.sources import Source, list_sources
from patina.specs.configuration import parse_config
from sets import picture, write_config, write_deflow_model

NAMES = ["10.png", "2.png", "2019/a.png", "2019/may/b.jpg"]


@pytest.fixture
def nested(tmp_path):
    for index, name in enumerate([*NAMES, ".hidden/c.png", "2019/.part-d.png"]):
        write_picture(tmp_path / "in" / name, picture(index, 72, 80))
    return tmp_path / "in"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


def test_sources_have_names_from_their_folder(nested):
    assert [item.name for item in list_sources(nested)] == ["2.png", "10.png"]
    found = list_sources(nested, recursive=True)
    assert sorted(item.name for item in found) == sorted(NAMES)
    assert {item.stem for item in found} == {"2", "10", "2019_a", "2019_may_b"}
    assert list_sources(nested / "2019" / "a.png") == [Source(nested / "2019" / "a.png", "a.png")]
    (nested / "2020" / "empty").mkdir(parents=True)
    with pytest.raises(PatinaError, match="and its subfolders contain no images"):
        list_sources(nested / "2020", recursive=True)
    with pytest.raises(PatinaError, match="does not exist"):
        list_sources(nested / "2021", recursive=True)


def commands(nested, tmp_path, model) -> dict[str, list]:
    recipe = write_config(tmp_path / "r.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": [2, 20]}}]})
    out, cpu = tmp_path / "out", ["-device", "cpu"]
    return {
        "degrade": [recipe, nested, out, "-workers", 1],
        "upscale": ["-model", "bicubic", "-scale", 2, "-source", nested, "-out", out],
        "translate": ["-model_path", model, "-source_dir", nested, "-out_dir", out, *cpu],
        "prepare": ["-mode", "tiles", "-side", 64, "-source", nested, "-target", out, "-workers", 1],
    }


@pytest.mark.parametrize("verb", ["degrade", "upscale", "translate", "prepare"])
def test_pictures_of_subfolders_get_names_of_their_own(nested, tmp_path, model, verb):
    command = [str(item) for item in commands(nested, tmp_path, model)[verb]]
    assert run_command(verb, [*command, "-recursive"]) == 0
    stems = {path.stem.removesuffix("_000_000") for path in list_pictures(tmp_path / "out")}
    assert {stem for stem in stems if not stem.endswith(("_000_001", "_001_000", "_001_001"))} == {
        "2", "10", "2019_a", "2019_may_b",
    }  # fmt: skip
    before = {path: path.stat().st_mtime_ns for path in list_pictures(tmp_path / "out")}
    assert run_command(verb, [*command, "-recursive"]) == 0
    assert {path: path.stat().st_mtime_ns for path in list_pictures(tmp_path / "out")} == before


def test_a_prepared_set_of_subfolders_is_whole(nested, tmp_path):
    (nested / "2019" / "broken.png").write_bytes(b"no image")
    flags = ["-source", str(nested), "-target", str(tmp_path / "set"), "-scales", "1", "4", "-workers", "1"]
    assert run_command("prepare", [*flags, "-recursive"]) == 1
    assert [item.source for item in load_manifest(tmp_path / "set").failures] == ["2019/broken.png"]
    for scale in ("1x", "4x"):
        assert {path.stem for path in list_pictures(tmp_path / "set" / scale)} == {"2", "10", "2019_a", "2019_may_b"}


def test_a_replayed_set_of_subfolders_equals_it(nested, tmp_path, model):
    assert run_command("degrade", [*map(str, commands(nested, tmp_path, model)["degrade"]), "-recursive"]) == 0
    assert (
        run_command("replay", [str(tmp_path / "out" / "log.jsonl"), "-out", str(tmp_path / "again"), "-workers", "1"])
        == 0
    )
    made, again = (
        {path.name: path.read_bytes() for path in list_pictures(tmp_path / name)} for name in ("out", "again")
    )
    assert made == again


@pytest.mark.parametrize("verb", ["degrade", "upscale", "translate", "prepare"])
def test_an_output_among_the_sources_is_refused(nested, tmp_path, model, verb, capsys):
    inside = nested / "2019" / "out"
    command = [str(inside if item == tmp_path / "out" else item) for item in commands(nested, tmp_path, model)[verb]]
    assert run_command(verb, [*command, "-recursive"]) == 2
    assert "is inside the source folder" in capsys.readouterr().err
    assert not inside.exists()


def test_names_that_would_meet_are_refused(nested, tmp_path, model, capsys):
    write_picture(nested / "2019_a.png", picture(9, 72, 80))
    assert run_command("degrade", [*map(str, commands(nested, tmp_path, model)["degrade"]), "-recursive"]) == 2
    assert "would both become" in capsys.readouterr().err


GT = {"2.png": "2.png", "2019/a.png": "2019_a.png", "2019/may/a.jpg": "2019_may_a.png"}
"""Names in a folder with subfolders, and what `degrade -recursive` calls their results."""


@pytest.fixture
def pairs(tmp_path):
    for index, (gt, flat) in enumerate(GT.items()):
        whole = picture(index, 64, 80)
        write_picture(tmp_path / "gt" / gt, whole)
        nested = tmp_path / "nested" / gt
        named = (tmp_path / "named" / gt).with_name(f"lq_{nested.stem}x2.png")
        for lq in (nested, named, tmp_path / "flat" / flat):
            write_picture(lq, whole[::2, ::2])
    return tmp_path


@pytest.mark.parametrize(("lq", "template"), [("nested", "{}"), ("flat", "{}"), ("named", "lq_{}x2")])
def test_pairs_in_subfolders_match_by_their_paths(pairs, lq, template):
    found = match_pairs(pairs / lq, pairs / "gt", 2, template, recursive=True)
    assert {pair.gt.relative_to(pairs / "gt").as_posix(): pair.stem for pair in found} == {
        name: flat.removesuffix(".png") for name, flat in GT.items()
    }


def test_all_wrong_pairs_in_subfolders_are_listed(pairs):
    (pairs / "nested/2019/may/a.jpg").rename(pairs / "nested/2019/b.jpg")
    write_picture(pairs / "gt/2019_a.png", picture(9, 64, 80))
    with pytest.raises(PatinaError, match=r"gt/2019/a.png and .*gt/2019_a.png share a name"):
        match_pairs(pairs / "nested", pairs / "gt", 2, recursive=True)
    (pairs / "gt/2019_a.png").unlink()
    with pytest.raises(
        PatinaError, match=r"2019/b.jpg has no partner named 2019_b in .*may/a.jpg has no partner named"
    ):
        match_pairs(pairs / "nested", pairs / "gt", 2, recursive=True)


def configured(pairs, **data) -> dict:
    both = {"lq": str(pairs / "flat"), "gt": str(pairs / "gt"), "recursive": True}
    return {
        "task": "restoration", "name": "tiny", "runs": str(pairs / "runs"),
        "model": {"architecture": "compact", "scale": 2, "features": 4, "blocks": 1},
        "data": {**both, "patch": 32, "batch": 2, "workers": 0, **data}, "validation": both,
        "stages": [{"name": "only", "steps": 2, "validate_every": 2}],
    }  # fmt: skip


def test_trainings_include_subfolders(pairs, capsys):
    assert run_command("train", ["-opt", str(write_config(pairs / "a.yml", configured(pairs))), "-device", "cpu"]) == 0
    assert "2 steps on cpu in float32, 3 pairs" in capsys.readouterr().err
    assert len(match_pairs(pairs / "flat", pairs / "gt", 2, recursive=True)) == 3
    plain = parse_config(configured(pairs, recursive=False), "a.yml")
    with pytest.raises(PatinaError, match=r"2019_a.png has no partner named 2019_a in .*gt"):
        plain.require("cpu")


def test_learned_degradations_include_subfolders(pairs):
    values = {
        "task": "ludvae", "name": "tiny", "runs": str(pairs / "runs"), "model": {"channels": 4},
        "noise_level": {"clean": 5, "real": 5}, "training": {"steps": 1},
        "data": {"clean": str(pairs / "gt"), "real": str(pairs / "nested"), "patch": 24, "recursive": True},
        "validation": {"clean": str(pairs / "gt"), "real": str(pairs / "nested"), "crop": 24},
    }  # fmt: skip
    config = parse_config(values, "a.yml")
    assert config.training_images() == "3 clean and 3 real images"
    training = config.domains()
    shown = config.validation.open(*training, recursive=config.reads_subfolders)
    assert [len(domain.images) for domain in (*training, *shown)] == [3, 3, 3, 3]
    values["data"]["recursive"] = False
    assert parse_config(values, "a.yml").training_images() == "1 clean and 1 real images"


def test_sr3_includes_subfolders(pairs):
    values = {
        "task": "sr3", "name": "tiny", "model": {"channels": 8, "multipliers": [1, 1], "attention": [], "scale": 2},
        "data": {"pictures": str(pairs / "gt"), "side": 32, "recursive": True}, "training": {"epochs": 1},
    }  # fmt: skip
    assert parse_config(values, "a.yml").training_images() == "3 images"
