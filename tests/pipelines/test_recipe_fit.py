"""`patina fit` and `patina measure` as a user runs them, on photographs from a camera whose numbers are known."""

import html
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from patina.cli.main import main
from patina.degradations.recipe import load_recipe
from patina.fitting.search import Search
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.recompress import jpeg
from patina.imaging.sources import list_sources
from patina.pipelines.clean_images import (
    SMALL,
    CleanImage,
    can_be_halved,
    have_blocks,
    own_compression,
    read_clean_images,
)
from patina.pipelines.recipe_fit import _few
from sets import write_config, write_pictures
from small_photographs import photographs

STD = 8.0


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    top, rng = tmp_path_factory.mktemp("fit"), np.random.default_rng(7)
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            if part == "real":
                pixels = np.clip(np.rint(pixels + rng.normal(0, STD, pixels.shape)), 0, 255).astype(np.uint8)
            write_picture(top / part / f"{number}.png", pixels)
    write_config(
        top / "family.yml",
        {"scale": 1, "steps": [{"sensor_noise": {"sigma": {"free": [0, 30]}, "grain": {"free": [0, 2]}}}]},
    )
    return top


def fit(top, out, *flags) -> int:
    return main(
        ["fit", str(top / "clean"), str(top / "real"), "-out", str(out), "-recipe", str(top / "family.yml"), *flags]
    )


def drawing() -> np.ndarray:
    pixels = np.full((100, 100, 3), 255, np.uint8)
    pixels[40:60, 20:80] = (0, 60, 180)
    return pixels


def require_page(folder, *parts: str) -> None:
    """Require a page that holds some text, is readable to the end, and names no folder of this machine."""
    page = (folder / "index.html").read_text()
    text = re.sub(r"data:image/png;base64,[^\"]+", "", page)
    assert [part for part in parts if part not in text] == []
    assert not re.search(r"\b(nan|None)\b", text.split("<script>")[0])
    assert str(folder.parent) not in page
    assert "/tmp" not in page
    assert "Do not rely on these numbers" not in page
    assert text.count("<svg") == 4


@pytest.fixture
def few_samples(monkeypatch):
    """Search in fewer rounds of fewer samples, which is enough for two numbers."""
    monkeypatch.setattr("patina.fitting.search.SAMPLES", 96)
    monkeypatch.setattr("patina.pipelines.recipe_fit.Search", lambda *values: Search(*values[:-2], samples=96))


@pytest.fixture
def one_round(monkeypatch):
    """Search in one round of few samples, whatever it finds."""
    short = {"samples": 32, "rounds": 1}
    monkeypatch.setattr("patina.pipelines.recipe_fit.Search", lambda *values: Search(*values[:-2], **short))


@pytest.mark.slow
@pytest.mark.usefixtures("few_samples")
@pytest.mark.long
def test_noise_is_found_and_the_recipe_can_be_used(folders, tmp_path, capsys):
    page = tmp_path / "page"
    assert fit(folders, tmp_path / "fitted.yml", "-workers", "1", "--json", "--report", str(page)) == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads((page / "fit.json").read_text()) == told
    require_page(page, "± 0.", "Noise strength", "sensor_noise", "-seed 0")
    found = {number["name"]: number for number in told["numbers"]}
    sigma, grain = found["sensor_noise.sigma"], found["sensor_noise.grain"]
    assert sigma["middle"] == pytest.approx(STD, rel=0.1)
    assert grain["middle"] < 0.3
    assert told["photos"] == [path.name for path in list_pictures(folders / "real")]
    recipe = load_recipe(tmp_path / "fitted.yml")
    assert len(recipe.steps[0].choices) == 8
    assert recipe.fitted
    assert (
        main(["degrade", str(tmp_path / "fitted.yml"), str(folders / "clean"), str(tmp_path / "out"), "-workers", "1"])
        == 0
    )
    noisy, clean = (
        read_picture(folder / "0.png").pixels.astype(float) for folder in (tmp_path / "out", folders / "clean")
    )
    assert (noisy - clean).std() == pytest.approx(STD, rel=0.15)
    text = (tmp_path / "fitted.yml").read_text()
    assert "# sensor_noise.sigma: 8" in text or "# sensor_noise.sigma: 7" in text


@pytest.mark.slow
@pytest.mark.usefixtures("one_round")
def test_a_poor_fit_with_a_file_beside_its_family_can_be_used_elsewhere_and_is_warned_of(folders, tmp_path, capsys):
    patches = np.random.default_rng(0).normal(0, 0.3, (4, 32, 32, 3)).astype(np.float32)
    np.savez(folders / "weak.npz", a=patches)
    noise = {"file": "weak.npz", "strength": {"free": [0, 1]}}
    family = write_config(folders / "weak.yml", {"scale": 1, "steps": [{"noise_patches": noise}]})
    out = tmp_path / "elsewhere" / "fitted.yml"
    arguments = [str(folders / "clean"), str(folders / "real"), "-out", str(out), "-recipe", str(family)]
    assert main(["fit", *arguments, "-workers", "1"]) == 0
    assert "Do not rely on these numbers" in capsys.readouterr().out
    recipe = load_recipe(out)
    assert set(recipe.files) == {(folders / "weak.npz").resolve()}
    assert recipe.fitted == "unreliable"
    assert main(["degrade", str(out), str(folders / "clean"), str(tmp_path / "out"), "-workers", "1"]) == 0
    assert "warning" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("few_samples")
def test_photos_without_degradation_give_an_empty_recipe(folders, tmp_path, capsys):
    clean, photos = str(folders / "clean"), shutil.copytree(folders / "clean", tmp_path / "photos")
    write_picture(photos / "screen.png", drawing())
    arguments = ["fit", clean, str(photos), "-out", str(tmp_path / "f.yml"), "-recipe", str(folders / "family.yml")]
    assert main([*arguments, "-workers", "1", "--report", str(tmp_path / "page")]) == 0
    assert capsys.readouterr().out.startswith("Nothing found")
    require_page(
        tmp_path / "page",
        "Nothing. The 8 photos measure like the clean images in all",
        "8</b> properties match",
        "set aside and not part of the fit",
        "looks like a screenshot",
    )
    assert load_recipe(tmp_path / "f.yml").draw("", (32, 32), 0, "a") == ()


@pytest.mark.slow
@pytest.mark.usefixtures("few_samples")
def test_swapped_folders_are_named(folders, tmp_path, capsys):
    swapped = ["fit", str(folders / "real"), str(folders / "clean"), "-out", str(tmp_path / "f.yml")]
    assert main([*swapped, "-recipe", str(folders / "family.yml"), "-workers", "1"]) == 2
    assert "are the folders swapped?" in capsys.readouterr().err
    assert not (tmp_path / "f.yml").exists()


def test_too_few_photos_and_a_family_without_free_numbers_are_refused(folders, tmp_path, capsys):
    few = write_pictures(tmp_path / "few", 3, height=70, width=80)
    arguments = ["-out", str(tmp_path / "f.yml"), "-workers", "1"]
    assert main(["fit", str(folders / "clean"), str(few), *arguments, "-recipe", str(folders / "family.yml")]) == 2
    assert "3 photos can be measured, expected 4 or more" in capsys.readouterr().err
    assert main(["fit", str(folders / "clean"), str(folders / "real"), *arguments, "-recipe", "bsrgan"]) == 2
    assert "no number is free" in capsys.readouterr().err


def test_measure_tells_of_every_photo_and_names_what_is_none(folders, tmp_path, capsys):
    for path in list_pictures(folders / "real")[:2]:
        cv2.imwrite(
            str(tmp_path / f"{path.stem}.jpg"), read_picture(path).pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 77]
        )
    write_picture(tmp_path / "screen.png", drawing())
    write_picture(tmp_path / "black.png", np.zeros((90, 90, 3), np.uint8))
    write_picture(tmp_path / "small.png", np.zeros((20, 90, 3), np.uint8))
    assert main(["measure", str(tmp_path), "-workers", "1", "--json", "-csv", str(tmp_path / "t.csv")]) == 1
    printed = capsys.readouterr()
    rows = json.loads(printed.out)
    assert [(row["name"], row["quality"], row["subsampling"]) for row in rows] == [
        ("0.jpg", 77, "4:2:0"),
        ("1.jpg", 77, "4:2:0"),
    ]
    assert all(1 < row["noise"] < 3 * STD for row in rows), rows
    for name, words in (("screen.png", "screenshot"), ("black.png", "black or white"), ("small.png", "90x20")):
        assert any(name in line and words in line for line in printed.err.splitlines())
    assert (tmp_path / "t.csv").read_text().splitlines()[0].startswith("name,width,height,noise")
    assert main(["measure", str(tmp_path / "0.jpg")]) == 0
    assert {"luma", "noise", "std", "0.jpg", "160x144", "77"} <= set(capsys.readouterr().out.split())


def test_a_fitted_recipe_is_plain_yaml(tmp_path):
    from patina.fitting.profiles import empty_recipe

    for scale in (1, 2):
        values = yaml.safe_load(empty_recipe(scale, ["Nothing found."]))
        assert load_recipe(write_config(tmp_path / "r.yml", values)).scale == scale


def test_tables_of_the_photos_own_become_part_of_their_profiles(folders, tmp_path, one_round):
    own = [[min(255, 3 + 2 * place) for place in range(64)], [9] * 64]
    for number, path in enumerate(list_pictures(folders / "real")):
        settings = {"qtables": own, "subsampling": "4:4:4"} if number % 2 else {"quality": 80}
        (tmp_path / "real").mkdir(exist_ok=True)
        Image.fromarray(read_picture(path).pixels).save(tmp_path / "real" / f"{number}.jpg", **settings)
    steps = [{"sensor_noise": {"sigma": {"free": [0, 30]}}}, {"jpeg": {"quality": {"free": [40, 100]}}}]
    family = write_config(tmp_path / "family.yml", {"scale": 1, "steps": steps})
    out = tmp_path / "fitted.yml"
    given = ["fit", folders / "clean", tmp_path / "real", "-out", out, "-recipe", family]
    assert main([str(word) for word in given]) == 0
    last = [choice["steps"][-1] for choice in yaml.safe_load(out.read_text())["steps"][0]["one_of"]["choices"]]
    assert last[0::2] == [{"jpeg": {"quality": 80}}] * 4
    assert last[1::2] == [{"jpeg_tables": {"luma": own[0], "chroma": own[1], "subsampling": "4:4:4"}}] * 4
    load_recipe(out)


@pytest.mark.slow
def test_small_sets_are_said_to_be_small(folders, tmp_path, capsys, one_round):
    assert fit(folders, tmp_path / "fitted.yml") == 0
    said = capsys.readouterr().out
    assert "8 photos and 8 clean images are few; use 20 or more of each for reliable numbers." in " ".join(said.split())


def test_only_the_side_that_is_small_is_said_to_be():
    assert _few(5, 60) == "5 photos are few; use 20 or more for reliable numbers."
    assert _few(40, 19) == "19 clean images are few; use 20 or more for reliable numbers."
    assert _few(20, 20) == ""


@pytest.mark.parametrize(
    ("scale", "photo", "enough"), [(1, 256, True), (2, 256, False), (2, 128, True), (4, 64, False)]
)
def test_clean_images_are_shrunk_only_if_half_of_their_size_suffices(scale, photo, enough):
    images = [CleanImage(name, 481, 321, Path(name), 256 * 256) for name in "abc"]
    assert can_be_halved(images, scale, SMALL * photo**2 * scale**2) == enough


def test_clean_images_that_are_compressed_themselves_are_counted_at_scale_1(tmp_path):
    pixels = photographs()["clean"][0]
    (tmp_path / "clean").mkdir()
    kinds = {"a.jpg": {"quality": 91}, "b.jpg": {"quality": 74}, "c.png": {}, "d.webp": {"lossless": True}}
    for name, settings in kinds.items():
        Image.fromarray(pixels).save(tmp_path / "clean" / name, **settings)
    write_picture(tmp_path / "clean" / "e.png", jpeg(pixels, 80))
    images = read_clean_images(list_sources(tmp_path / "clean"), 1, tmp_path)
    told = own_compression(images, 1, can_shrink=True)
    assert told.startswith("3 of 5 clean images are JPEGs or copies of JPEGs, of quality 74 at the lowest.")
    assert "or downscale these by 2 (patina prepare -source CLEAN" in told
    assert "too small to downscale" in own_compression(images, 1, can_shrink=False)
    assert own_compression(images, 2, can_shrink=True) == ""
    assert have_blocks(images)
    assert not have_blocks(images[2:4])
    assert own_compression(images[2:4], 1, can_shrink=True) == ""


@pytest.mark.slow
def test_a_fit_to_clean_jpegs_says_so_before_it_begins_and_on_its_page(folders, tmp_path, capsys, one_round):
    for path in list_pictures(folders / "clean"):
        (tmp_path / "clean").mkdir(exist_ok=True)
        Image.fromarray(read_picture(path).pixels).save(tmp_path / "clean" / f"{path.stem}.jpg", quality=88)
    given = [
        "fit",
        tmp_path / "clean",
        folders / "real",
        "-out",
        tmp_path / "fitted.yml",
        "-recipe",
        folders / "family.yml",
    ]
    assert main([*map(str, given), "-workers", "1", "--json", "--report", str(tmp_path / "page")]) == 0
    told = capsys.readouterr()
    [note] = json.loads(told.out)["notes"]
    assert f"warning: {tmp_path / 'clean'}: {note}\n" in told.err
    assert "8 of 8 clean images are JPEGs, of quality 88 at the lowest" in note
    assert html.escape(note, quote=False) in (tmp_path / "page" / "index.html").read_text()


@pytest.mark.slow
def test_blur_beyond_the_range_and_small_clean_images_are_said(folders, tmp_path, capsys, one_start):
    """Downscaled clean images have half of the photos' sides; the photos' blur is twice what the family reaches."""
    for path in sorted((folders / "clean").iterdir()):
        write_picture(tmp_path / "clean" / path.name, read_picture(path).pixels[:142, :157])
    for path in sorted((folders / "real").iterdir()):
        blurred = cv2.GaussianBlur(read_picture(path).pixels, (0, 0), 2.0)
        write_picture(tmp_path / "real" / path.name, blurred)
    steps = [{"gaussian_blur": {"sigma": {"free": [0.1, 0.8]}}}, {"resize": {"filter": "box", "of": "target"}}]
    family = {"scale": 2, "steps": steps}
    write_config(tmp_path / "family.yml", family)
    assert fit(tmp_path, tmp_path / "fitted.yml") == 0
    told = capsys.readouterr().out
    assert "At the end of the range that was tried: blur (0.8)" in told
    assert "The clean images are small: 157x142 leaves only 78x71 pixels at scale 2" in told
    assert "# gaussian_blur.sigma: 0.8" in (tmp_path / "fitted.yml").read_text()
    assert "at the end of its range: the photos may need more" in (tmp_path / "fitted.yml").read_text()
