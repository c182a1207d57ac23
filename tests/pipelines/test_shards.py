"""Parts of a folder made by several jobs: together they are, byte for byte, what one run makes."""

import re
import shutil

import pytest

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.pipelines.shard_merge import merge
from patina.runs.shards import Shard
from sets import contents, write_config, write_pictures
from small_ludvae import write_model

NOISE = {"scale": 2, "steps": [{"gaussian_noise": {"sigma": [2, 9]}}, {"resize": {"filter": "box", "of": "target"}}]}
pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("one_process")]


@pytest.fixture
def pictures(tmp_path):
    """Write seven images whose natural order is not the alphabetical one."""
    folder = write_pictures(tmp_path / "in", 7)
    for number in range(7):
        (folder / f"{number}.png").rename(folder / f"a{'' if number == 0 else number * 3}.png")
    return folder


@pytest.fixture
def commands(pictures, tmp_path):
    """Return the arguments of every command that can be divided, with OUT for its output."""
    recipe = write_config(tmp_path / "noise.yml", NOISE)
    model = write_model(tmp_path / "tiny.safetensors")
    return {
        "degrade": ["degrade", str(recipe), str(pictures), "OUT", "-workers", "1"],
        "translate": ["translate", "-model_path", str(model), "-source", str(pictures), "-out", "OUT"],
        "upscale": ["upscale", "-model", "bicubic", "-scale", "2", "-source", str(pictures), "-out", "OUT"],
        "prepare": ["prepare", "-source", str(pictures), "-target", "OUT", "-scales", "1", "4", "-workers", "1"],
        "tiles": ["prepare", "-mode", "tiles", "-side", "16", "-source", str(pictures), "-target", "OUT"],
    }


def run(command: list[str], out, *more: str) -> int:
    return run_command(command[0], [str(out) if part == "OUT" else part for part in [*command[1:], *more]])


def results(folder) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if not name.startswith(".patina")}


@pytest.mark.parametrize("name", ["degrade", "translate", "upscale", "prepare", "tiles"])
def test_the_union_is_the_whole_run(commands, tmp_path, name, capsys):
    assert run(commands[name], tmp_path / "whole") == 0
    for index in (3, 1, 2):
        assert run(commands[name], tmp_path / "out", "--shard", f"{index}/3") == 0
    assert not (tmp_path / "out").exists()
    assert run_command("merge", [str(tmp_path / "out")]) == 0
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    assert not list(tmp_path.glob("out.shard-*"))
    capsys.readouterr()
    before = results(tmp_path / "out")
    assert run(commands[name], tmp_path / "out") == 0  # the same command finds everything made
    assert results(tmp_path / "out") == before


@pytest.fixture
def measurements(pictures, tmp_path):
    """Return the arguments of the commands whose output is a table, with OUT for it."""
    shutil.copytree(write_pictures(tmp_path / "results", 7, width=80, height=70, noise=3), tmp_path / "truth")
    evaluate = ["evaluate", "-results", str(tmp_path / "results"), "-truth", str(tmp_path / "truth"), "-no_lpips"]
    return {
        "evaluate": [*evaluate, "-out", "OUT"],
        "measure": ["measure", str(tmp_path / "results"), "-workers", "1", "-csv", "OUT"],
    }


ODD_NAMES = ["a,b.png", "a,a.png", 'a"9.png', "a b.png", "a\u2028.png", "a10.png", "broken.png"]


@pytest.mark.parametrize("name", ["degrade", "translate", "upscale", "prepare", "tiles", "evaluate", "measure"])
def test_odd_names_and_a_shard_whose_only_image_is_damaged(commands, measurements, tmp_path, pictures, name, capsys):
    for folder in (pictures, tmp_path / "results", tmp_path / "truth"):
        for path, new in zip(sorted(folder.iterdir()), ODD_NAMES, strict=True):
            path.rename(folder / new)
        (folder / "broken.png").write_bytes(b"damaged")
    command = (commands | measurements)[name]
    assert run(command, tmp_path / "whole") == 1
    assert [run(command, tmp_path / "out", "-shard", f"{index}/7") for index in range(1, 8)].count(0) == 6
    capsys.readouterr()
    assert run_command("merge", [str(tmp_path / "out")]) == 1
    assert re.search(r"1 image without a result: broken(\.png)?$", capsys.readouterr().err.rstrip())
    whole, made = tmp_path / "whole", tmp_path / "out"
    if name == "measure":
        assert made.read_bytes() == whole.read_bytes()
    else:
        assert results(made) == results(whole)


@pytest.mark.parametrize(("name", "option"), [("measure", "-seed"), ("evaluate", "-crop_border")])
def test_tables_that_do_not_belong_together_are_refused(measurements, tmp_path, name, option):
    command, out = measurements[name], tmp_path / "out"
    second = Shard(2, 2).path(out) / ("scores.json" if name == "evaluate" else "")
    assert run(command, out, "-shard", "1/2") == 0
    assert run(command, out, "-shard", "2/2", option, "3") == 0
    assert f"shard 2/2 was made with {option[1:]} 3, now 0 in shard 1/2" in refused(out)
    mine, other = str(tmp_path / "results"), shutil.copytree(tmp_path / "results", tmp_path / "other")
    assert run([str(other) if part == mine else part for part in command], out, "-shard", "2/2") == 0
    assert f"shard 2/2 was made with {'results' if name == 'evaluate' else 'folder'} " in refused(out)
    assert run(command, out, "-shard", "2/2") == 0
    text = second.read_text()
    second.write_text(re.sub(r'"version": "[^"]*"', '"version": "0.0.1"', text))
    assert "shard 2/2 was made by version 0.0.1" in refused(out)
    second.write_text(text.replace('"version"', '"versions"'))
    assert "2/2 again" in refused(out)
    second.write_text(text)
    assert merge(out).count == 7


def test_ground_truth_is_divided_too(commands, tmp_path):
    whole, parts = (commands["degrade"] + ["-gt", str(tmp_path / name)] for name in ("gt_whole", "gt"))
    assert run(whole, tmp_path / "whole") == 0
    for index in (1, 2):
        assert run(parts, tmp_path / "out", "-shard", f"{index}/2") == 0
    for name in ("out", "gt"):
        assert run_command("merge", [str(tmp_path / name)]) == 0
    assert results(tmp_path / "gt") == results(tmp_path / "gt_whole")


def test_no_source_is_read_again_after_a_merge(commands, tmp_path, monkeypatch):
    for index in (1, 2):
        assert run(commands["degrade"], tmp_path / "out", "-shard", f"{index}/2") == 0
    merge(tmp_path / "out")
    monkeypatch.setattr("patina.runs.source_digests.file_digest", lambda path: pytest.fail(f"{path} is read"))
    assert run(commands["degrade"], tmp_path / "out") == 0


def test_scores_and_tables_are_merged(pictures, tmp_path):
    write_pictures(tmp_path / "results", 7, noise=3)
    for number in range(6, -1, -1):
        (tmp_path / f"results/{number}.png").rename(tmp_path / f"results/a{'' if number == 0 else number * 3}.png")
    shutil.copy(pictures / "a3.png", tmp_path / "results" / "a3.png")  # identical: an infinite PSNR
    (tmp_path / "results" / "a9.png").write_bytes(b"damaged")
    evaluate = ["evaluate", "-results", str(tmp_path / "results"), "-truth", str(pictures), "-no_lpips", "-out", "OUT"]
    measure = ["measure", str(pictures), "-workers", "1", "-csv", "OUT"]
    write_pictures(pictures, 1, width=80, height=70)
    (tmp_path / "results" / "0.png").write_bytes((pictures / "0.png").read_bytes())
    for name, command in {"scores": evaluate, "photos.csv": measure}.items():
        code = run(command, tmp_path / f"whole_{name}")
        codes = [run(command, tmp_path / name, "-shard", f"{index}/1") for index in (1,)]
        assert codes == [code]
        merge(tmp_path / name)
        made, whole = tmp_path / name, tmp_path / f"whole_{name}"
        if made.is_dir():
            assert results(made) == results(whole)
        else:
            assert made.read_bytes() == whole.read_bytes()
    for index in (1, 2, 3):
        run(evaluate, tmp_path / "again", "-shard", f"{index}/3")
    merge(tmp_path / "again")
    assert results(tmp_path / "again") == results(tmp_path / "whole_scores")


def test_a_killed_merge_is_continued(commands, tmp_path, monkeypatch):
    assert run(commands["degrade"], tmp_path / "whole") == 0
    for index in (1, 2):
        assert run(commands["degrade"], tmp_path / "out", "-shard", f"{index}/2") == 0
    from patina.pipelines import shard_merge

    link, calls = shard_merge._link, []

    def killed(file, to):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        link(file, to)

    monkeypatch.setattr(shard_merge, "_link", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "out")
    monkeypatch.setattr(shard_merge, "_link", link)
    assert merge(tmp_path / "out").count == 7
    assert results(tmp_path / "out") == results(tmp_path / "whole")


def test_images_without_a_result_are_named(commands, pictures, tmp_path, capsys):
    (pictures / "a6.png").write_bytes(b"damaged")
    for index in (1, 2):
        run(commands["degrade"], tmp_path / "out", "-shard", f"{index}/2")
    capsys.readouterr()
    assert run_command("merge", [str(tmp_path / "out")]) == 1
    assert "1 image without a result: a6.png" in capsys.readouterr().err


def refused(out) -> str:
    with pytest.raises(PatinaError) as caught:
        merge(out)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_does_not_belong_together_is_refused_and_nothing_is_lost(commands, tmp_path):
    out, third = tmp_path / "out", Shard(3, 3).path(tmp_path / "out")
    assert "there are no shards beside it" in refused(out)
    for index in (1, 2):
        assert run(commands["degrade"], out, "-shard", f"{index}/3") == 0
    assert "of 3 shards, 3 is missing" in refused(out)
    assert run(commands["degrade"], out, "-shard", "3/3", "-seed", "5") == 0
    assert "shard 3/3 was made with seed 5, now 0 in shard 1/3" in refused(out)
    shutil.rmtree(third)
    assert run(commands["degrade"], out, "-shard", "3/3") == 0
    log = (third / "log.jsonl").read_text()
    (third / "log.jsonl").write_text(re.sub(r'"patina": "[^"]*"', '"patina": "0.0.1"', log, count=1))
    assert "version 0.0.1" in refused(out)
    (third / "log.jsonl").write_text(log + '{"begun": "x.png"}\n')
    assert "is not finished" in refused(out)
    (third / "log.jsonl").write_text(log)
    lost = next(third.glob("*.png"))
    moved = lost.rename(tmp_path / lost.name)
    assert f"{lost.name} is missing" in refused(out)
    moved.rename(lost)
    assert run(commands["degrade"], out, "-shard", "1/2") == 0
    assert "shards of 2 and of 3 parts" in refused(out)
    shutil.rmtree(Shard(1, 2).path(out))
    assert merge(out).count == 7


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/1000000"])
def test_odd_shards_are_one_line(commands, tmp_path, text, capsys):
    with pytest.raises(SystemExit):
        run(commands["upscale"], tmp_path / "out", f"-shard={text}")
    assert "is not a shard, expected I/N" in capsys.readouterr().err


def test_more_shards_than_images_are_refused(commands, tmp_path, capsys):
    assert run(commands["upscale"], tmp_path / "out", "-shard", "8/9") == 2
    assert "has only 7 images; use at most 7 shards" in capsys.readouterr().err
