"""Numbered tars: equal contents give equal tars, limits close them, and nothing but their own is continued."""

import json
import tarfile

import pytest

from patina.errors import PatinaError
from patina.runs import tar_set
from patina.runs.made_by import MadeBy
from patina.runs.tar_set import TarSet
from patina.runs.tar_target import TarLimits, TarTarget
from sets import contents

MADE_BY = MadeBy("upscale", {"scale": 2})
NAMES = [f"{number}.png" for number in range(7)]


def write(folder, names=NAMES, size=100, limits=None, made_by=MADE_BY, stop=None, samples=1):
    """Write a tar set of a sample for every name; stop before number `stop` as if killed."""
    target = TarTarget.parse(folder / "a-%04d.tar")
    with TarSet.open(target, made_by, names, limits or TarLimits(samples=3)) as tars:
        for index in range(tars.used, len(names)):
            if index == stop:
                raise KeyboardInterrupt
            key = names[index].removesuffix(".png")
            tars.add([[(f"{key}_{sample}.png", bytes(size))] for sample in range(samples)])
        tars.finish()
    target.making.rmdir()


def visible(folder):
    return {name: data for name, data in contents(folder).items() if not name.startswith(".")}


def members(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_tars_have_a_limit_of_samples_and_statistics(tmp_path):
    write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"a-{number:04d}.{suffix}" for number in range(3) for suffix in ("json", "tar")
    ]
    assert members(tmp_path / "a-0000.tar") == ["0_0.png", "1_0.png", "2_0.png"]
    assert members(tmp_path / "a-0002.tar") == ["6_0.png"]
    stored = json.loads((tmp_path / "a-0002.json").read_text())
    assert stored["count"] == stored["sources"] == 1
    assert stored["bytes"] == (tmp_path / "a-0002.tar").stat().st_size == 10240
    assert stored["made_by"]["settings"] == {"scale": 2, "shard_size": 3, "shard_mb": 1000}
    with tarfile.open(tmp_path / "a-0000.tar") as tar:
        assert {(info.mtime, info.uid, info.gid, info.mode, info.uname) for info in tar} == {(0, 0, 0, 0o644, "")}


def test_tars_have_a_limit_of_bytes(tmp_path):
    write(tmp_path, size=400_000, limits=TarLimits(megabytes=1))
    assert [len(members(tmp_path / f"a-{number:04d}.tar")) for number in range(4)] == [2, 2, 2, 1]
    write(tmp_path / "large", NAMES[:2], size=1_100_000, limits=TarLimits(megabytes=1))
    assert members(tmp_path / "large" / "a-0001.tar") == ["1_0.png"]


def test_samples_of_a_source_stay_together(tmp_path):
    write(tmp_path, samples=2)
    assert [len(members(tmp_path / f"a-{number:04d}.tar")) for number in range(7)] == [2] * 7


@pytest.mark.parametrize("stop", range(7))
def test_a_killed_command_continues_with_the_first_missing_tar(tmp_path, stop):
    write(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", stop=stop)
    assert len(list((tmp_path / "out").glob("*.tar"))) == max(0, stop - 1) // 3
    write(tmp_path / "out")
    assert visible(tmp_path / "out") == visible(tmp_path / "whole")


@pytest.mark.parametrize("renames", range(6))
def test_a_kill_between_the_renames_leaves_no_tar_that_nobody_knows(tmp_path, monkeypatch, renames):
    write(tmp_path / "whole")
    replace, left = tar_set.os.replace, iter(range(renames))

    def killed(source, target):
        if target.parent == tmp_path / "out" and next(left, None) is None:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(tar_set.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "out")
    write(tmp_path / "out")
    assert visible(tmp_path / "out") == visible(tmp_path / "whole")


def test_new_sources_make_more_tars(tmp_path):
    write(tmp_path / "out", NAMES[:4])
    before = visible(tmp_path / "out")
    write(tmp_path / "out")
    after = visible(tmp_path / "out")
    assert before.items() <= after.items()
    assert members(tmp_path / "out" / "a-0002.tar") == ["4_0.png", "5_0.png", "6_0.png"]


def test_what_cannot_be_continued_is_one_line(tmp_path):
    write(tmp_path)

    def refuse(match, **more):
        with pytest.raises(PatinaError, match=match) as caught:
            write(tmp_path, **more)
        assert "\n" not in str(caught.value)

    refuse(r"a-0000\.tar was made with scale 2, now 3; remove it or", made_by=MadeBy("upscale", {"scale": 3}))
    refuse("shard_size 3, now 4", limits=TarLimits(samples=4))
    refuse(r"a-0000\.tar was made of other images", names=["x.png", *NAMES])
    refuse(r"a-0002\.tar was made of other images", names=NAMES[:6])
    kept = visible(tmp_path)
    (tmp_path / "a-0001.tar").unlink()
    (tmp_path / "a-0001.json").unlink()
    refuse(r"a-0001\.tar is missing, but a-0002\.tar is there; remove the tars from it on")
    (tmp_path / "a-0001.tar").write_bytes(kept["a-0001.tar"])
    refuse(r"a-0001\.json is missing; remove it, or choose another -out")
    (tmp_path / "a-0001.json").write_text("{}")
    refuse(r"a-0001\.json does not belong to tars of results")
    (tmp_path / "a-0001.json").write_bytes(kept["a-0001.json"])
    (tmp_path / "a-0001.tar").write_bytes(kept["a-0001.tar"][:-512])
    refuse(r"a-0001\.tar has 9728 bytes, expected 10240; remove it and all that follow")


def test_targets_are_numbered(tmp_path):
    assert TarTarget.parse(tmp_path / "out") is None
    for name in ("a.tar", "%d-%d.tar", "%s.tar", "100%.tar"):
        with pytest.raises(PatinaError, match=r"tars are numbered; expected a name such as .*%06d\.tar"):
            TarTarget.parse(tmp_path / name)
    target = TarTarget.parse(tmp_path / "a(1)%03d+.tar")
    assert target.tar(7).name == "a(1)007+.tar"
    for name in ("a(1)007+.tar", "a(1)007+.json", "a(1)7+.tar", "a(1)1234+.tar", "b007.tar"):
        (tmp_path / name).touch()
    assert target.numbers() == [7, 1234]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("patina.runs.open_tar.os.fsync", full)
    with pytest.raises(PatinaError, match="cannot be written: No space left on device; free some space"):
        write(tmp_path)
