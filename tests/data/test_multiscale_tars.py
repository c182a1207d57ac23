"""Multi-scale sets in tars are domains as those in folders: images, conditions, statistics, and what is trained on."""

import json
from pathlib import Path

import pytest
import yaml

from condition_maps import DOWN, NOISE
from degraded_sets import run
from patina.conditions.condition_map import ConditionMap
from patina.conditions.steps import HStep
from patina.data import domains
from patina.data.condition_files import prepare_conditions
from patina.data.domains import open_domain
from patina.errors import PatinaError
from patina.imaging.picture_files import read_picture
from patina.specs.multiscale_domains import DomainSettings
from patina.system.stored_files import file_bytes
from patina.system.tar_index import read_member, tar_index
from sets import write_pictures
from small_trainings import results, train, write_sets, write_training
from stores import write_tar

pytestmark = pytest.mark.distributed


def write_tars(source: Path, target: Path) -> Path:
    """Write a set of two scales in tars of two pictures each."""
    scales = ["-scales", "1", "2", "4", "-workers", "1", "-shard_size", "2"]
    assert run("prepare", "-source", source, "-target", target / "%02d.tar", *scales) == 0
    return target / "{00..01}.tar"


@pytest.fixture
def both(tmp_path):
    """Return one set in folders and in tars."""
    folder = write_pictures(tmp_path / "in", 3, height=16, width=24)
    assert (
        run("prepare", "-source", folder, "-target", tmp_path / "set", "-scales", "1", "2", "4", "-workers", "1") == 0
    )
    return tmp_path / "set", write_tars(folder, tmp_path / "tars")


def contents(domain) -> list[bytes]:
    return [file_bytes(path) for path in (*domain.images, *domain.conditions)]


def statistics(domain):
    return domain.image_statistics, domain.condition_statistics


@pytest.mark.parametrize("whole", [False, True])
def test_a_domain_in_tars_is_that_in_folders(both, whole, monkeypatch):
    in_folders = open_domain("clean", both[0], 1, 4)
    monkeypatch.setattr(domains, "read_picture", None)  # nothing is measured
    in_tars = open_domain("clean", both[1].parent if whole else both[1], 1, 4)
    assert contents(in_tars) == contents(in_folders)
    assert statistics(in_tars) == statistics(in_folders)


def test_tars_without_sums_are_measured(both, tmp_path):
    known, measured = open_domain("real", both[1], 2, 2), tmp_path / "measured.tar"
    tars = [both[1].with_name(f"0{number}.tar") for number in range(2)]
    members = [(tar, name) for tar in tars for name in tar_index(tar).places if name.endswith(".png")]
    images = [(name, read_member(tar, name)) for tar, name in members]
    write_tar(measured, images)
    assert statistics(open_domain("real", measured, 2, 2)) == statistics(known)
    wrong = {"sums": {"2": {"pixels": 4, "sums": [1, 2], "squares": [1, 2, 3]}}}
    write_tar(
        measured, [*((name, read_member(tar, name)) for tar, name in members), ("0.json", json.dumps(wrong).encode())]
    )
    assert statistics(open_domain("real", measured, 2, 2)) == statistics(known)


def test_other_conditions_lie_beside_the_tars(both):
    h = ConditionMap([HStep.model_validate(step) for step in ({"smooth": {"sigma": 2}}, DOWN, NOISE)])
    in_folders, in_tars = (DomainSettings(folder=folder).open("clean", h) for folder in both)
    assert contents(in_tars) == contents(in_folders)
    assert statistics(in_tars) == statistics(in_folders)
    made = prepare_conditions(both[1] / "1x", h)
    assert made.parent == both[1].parent
    assert made.name == f"{both[1].name}-1x-h-{h.digest}"
    assert read_picture(made / "0.png").pixels.shape[:2] == (4, 6)


def test_a_scale_that_is_missing_is_named(both):
    with pytest.raises(PatinaError, match=r"00\.tar: 0 lacks 0\.8x\.png; `patina prepare -scales` makes"):
        open_domain("clean", both[1], 1, 8)
    with pytest.raises(PatinaError, match=r"05\.tar: no such tar"):
        open_domain("clean", both[1].with_name("05.tar"), 1, 4)


@pytest.mark.slow
def test_deflow_learns_the_same_from_tars(tmp_path):
    sets = write_sets(tmp_path)
    config = write_training(sets, "deflow", tmp_path / "a")
    assert train(config) == 0
    values = yaml.safe_load(config.read_text()) | {"runs": str(tmp_path / "b")}
    for name in ("clean", "real"):
        values["data"][name] = str(write_tars(tmp_path / name, tmp_path / f"{name}-tars").parent / "00.tar")
    config.write_text(yaml.safe_dump(values))
    assert train(config) == 0
    assert results(tmp_path / "b") == results(tmp_path / "a")
