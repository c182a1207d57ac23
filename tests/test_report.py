"""The report: verdicts, files and exit codes as users get them, and the page in a real browser."""

import json
import re
import shutil

import numpy as np
import pytest

from patina.cli import run_verb
from patina.fidelity.shots import load_shots
from patina.imaging.files import list_pictures, read_picture, write_picture
from patina.verbs.report import newest_model
from sets import ludvae_values, picture, write_config, write_pictures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def correlated(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    white = rng.normal(0, 8, (shape[0] + 1, shape[1] + 1, 3))
    return (white[1:, 1:] + white[:-1, 1:] + white[1:, :-1] + white[:-1, :-1]) / 2


def smooth(seed: int) -> np.ndarray:
    y, x = np.mgrid[:96, :96] / 60
    rng = np.random.default_rng(seed)
    return 128 + 50 * np.stack([np.sin(x * rng.uniform(0.5, 1) + y + phase) for phase in range(3)], -1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Write clean pictures, real ones with correlated noise, and two attempts: the same noise again, and white."""
    folder = tmp_path_factory.mktemp("report")
    for index in range(8):
        rng = np.random.default_rng(index)
        clean = smooth(index)
        kinds = {
            "clean": clean,
            "real": clean + correlated(rng, clean.shape),
            "same": clean + correlated(rng, clean.shape),
            "white": clean + rng.normal(0, 8, clean.shape),
        }
        for name, pixels in kinds.items():
            write_picture(folder / name / f"scene{index % 4}_{index:02d}.png", np.uint8(pixels.clip(0, 255).round()))
    return folder


def report(folders, generated: str, out, *options, judge_steps: int = 2) -> int:
    places = ["-clean", folders / "clean", "-real", folders / "real", "-generated", folders / generated]
    values = [*places, "-paired", "-out", out, "-judge_steps", judge_steps, *options]
    return run_verb("report", list(map(str, values)))


@pytest.fixture(scope="module")
def same(folders):
    assert report(folders, "same", folders / "same.html", "--require", judge_steps=25) == 0
    return json.loads((folders / "same.json").read_text())


@pytest.fixture(scope="module")
def white(folders):
    assert report(folders, "white", folders / "white.html", judge_steps=25) == 0
    return json.loads((folders / "white.json").read_text())


def by_key(values) -> dict:
    return {finding["key"]: finding for finding in values["findings"]}


class TestVerdicts:
    def test_the_same_noise_again_is_as_real(self, same):
        found = by_key(same)
        for key in ("spectrum", "orientation", "autocorrelation", "covariance", "level", "two_sample", "akld"):
            assert found[key]["grade"] == "real", found[key]
        assert found["spectrum"]["distance"] < 0.5 < found["spectrum"]["yardsticks"]["Gaussian"]

    def test_white_noise_is_told_from_correlated(self, white):
        found = by_key(white)
        for key in ("spectrum", "autocorrelation"):
            assert found[key]["grade"] == "no better"
        assert re.fullmatch(
            r"Noise too fine-grained: at one pixel's distance -0\.0\d against 0\.4\d\.",
            found["autocorrelation"]["sentence"],
        )
        assert found["spectrum"]["distance"] == pytest.approx(found["spectrum"]["yardsticks"]["Gaussian"], rel=0.1)
        assert "fine part of the noise is too strong" in found["spectrum"]["sentence"]

    def test_the_yardsticks_are_fitted_to_the_real_noise(self, same):
        np.testing.assert_allclose(same["yardsticks"]["Gaussian"]["sigma"], 8, rtol=0.1)

    def test_unpaired_folders_know_the_noise_too(self, folders, tmp_path, capsys):
        places = ["-clean", folders / "clean", "-real", folders / "real", "-generated", folders / "same"]
        out = ["-out", tmp_path / "page.html", "-judge_steps", 2]
        assert run_verb("report", [*map(str, [*places, *out]), "--json"]) == 0
        values = json.loads(capsys.readouterr().out)
        assert values == json.loads((tmp_path / "page.json").read_text())
        assert "akld" not in by_key(values)
        np.testing.assert_allclose(values["yardsticks"]["Gaussian"]["sigma"], 8, rtol=0.35)
        assert "another scene" in (tmp_path / "page.html").read_text()

    def test_the_same_command_finds_the_same(self, folders, tmp_path):
        found = []
        for name in ("one", "two"):
            assert report(folders, "same", tmp_path / f"{name}.html") == 0
            found.append(json.loads((tmp_path / f"{name}.json").read_text()))
        assert found[0] == found[1]


class TestRequire:
    def test_what_is_required_decides_the_exit_code(self, folders, tmp_path, capsys):
        assert report(folders, "white", tmp_path / "page.html", "--require") == 1
        assert "not reached (better): Spectrum" in capsys.readouterr().err
        assert (tmp_path / "page.html").is_file()


class TestRuns:
    @pytest.fixture
    def run(self, folders):
        values = ludvae_values(folders) | {"runs": str(folders / "runs")}
        assert run_verb("train", ["-opt", str(write_config(folders / "tiny.yml", values)), "-device", "cpu"]) == 0
        return folders / "runs/tiny"

    def test_a_run_folder_knows_everything(self, run, capsys):
        assert run_verb("report", [str(run), "-judge_steps", "2", "-temperature", "0.5"]) == 0
        page = (run / "report.html").read_text()
        values = json.loads((run / "report.json").read_text())
        assert values["name"] == "tiny"
        assert values["facts"]["temperature"] == "0.5"
        assert "Training: " in page
        assert "noise_level:" in page
        assert str(run / "report.html") in capsys.readouterr().out

    def test_a_model_file_needs_folders(self, run, folders, tmp_path, capsys):
        model = str(newest_model(run))
        assert run_verb("report", [model]) == 2
        assert "-clean and -real are needed" in capsys.readouterr().err
        places = ["-clean", folders / "clean", "-real", folders / "real", "-out", tmp_path / "page.html"]
        assert run_verb("report", [model, *map(str, places), "-judge_steps", "2"]) == 0

    def test_the_newest_model_is_taken(self, tmp_path):
        for name in ("900", "1000"):
            (tmp_path / "models").mkdir(exist_ok=True)
            (tmp_path / f"models/{name}.safetensors").touch()
        assert newest_model(tmp_path).stem == "1000"
        (tmp_path / "models/final.safetensors").touch()
        assert newest_model(tmp_path).stem == "final"


class TestMistakes:
    def test_they_are_one_line(self, folders, tmp_path, capsys):
        def refused(*arguments) -> str:
            assert run_verb("report", list(map(str, arguments))) == 2
            return capsys.readouterr().err

        assert "expected either RUN" in refused()
        assert "no run folder" in refused(tmp_path)
        generated = ["-generated", folders / "same"]
        assert "-heat is a model's" in refused(*generated, "-heat", 1)
        assert "-pictures is 2, expected 4 or more" in refused(*generated, "-pictures", 2)
        both = ["-clean", folders / "real", "-real", folders / "clean", "-generated", folders / "same"]
        assert "not noisier than the clean ones" in refused(*both)
        few = write_pictures(tmp_path / "few", 3, width=64, height=64)
        assert "too few" in refused("-clean", few, "-real", few, "-generated", few)
        small = write_pictures(tmp_path / "small", 4)
        assert "64x48 pixels, expected 64 or more" in refused("-clean", small, "-real", small, *generated)
        strange = ["-clean", folders / "clean", "-real", folders / "real", "-generated", few]
        assert "has no picture named scene0_00" in refused(*strange)
        assert not list(tmp_path.glob("*.html"))

    def test_pictures_of_other_size_are_named(self, folders, tmp_path, capsys):
        for path in list_pictures(folders / "same"):
            write_picture(tmp_path / "cut" / path.name, read_picture(path).pixels[:80])
        assert report(folders, str(tmp_path / "cut"), tmp_path / "page.html") == 2
        assert "expected the same picture in the same size" in capsys.readouterr().err


class TestShots:
    def test_large_pictures_are_cut_on_the_grid_and_chosen_evenly(self, tmp_path):
        for index in range(7):
            write_picture(tmp_path / f"{index}.png", picture(index, 150, 131))
        shots = load_shots(tmp_path, limit=3, side=96)
        assert [shot.name for shot in shots] == ["0", "3", "6"]
        np.testing.assert_array_equal(shots[1].pixels, picture(3, 150, 131)[24 : 24 + 96, 16 : 16 + 96])

    def test_16_bit_is_brought_to_255(self, tmp_path):
        write_picture(tmp_path / "a.png", np.full((64, 64, 3), 65535, np.uint16))
        assert load_shots(tmp_path, limit=1, side=64)[0].pixels.max() == 255


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")
class TestBrowser:
    """The page as a user opens it: from a file, without a network."""

    @pytest.fixture
    def page(self, browser, folders, same):
        context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
        page = context.new_page()
        self.trouble = []
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", lambda request: self.trouble.append(request.url) if "://" in request.url[8:] else None)
        page.goto((folders / "same.html").as_uri())
        page.wait_for_selector("canvas[data-kind=real][data-drawn]")
        yield page
        context.close()

    def test_nothing_is_loaded_and_nothing_goes_wrong(self, page):
        assert self.trouble == []
        assert page.locator("section svg").count() >= 7
        assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")

    def test_the_slider_moves(self, page):
        box = page.locator("#split").bounding_box()
        clip = "getComputedStyle(document.querySelector('.above')).clipPath"
        before = page.evaluate(clip)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 5, box["y"] + 50, steps=4)
        page.mouse.up()
        assert page.evaluate(clip) != before
        assert float(page.locator("#split").input_value()) == pytest.approx(20, abs=3)
        page.locator("#split").press("End")
        assert page.evaluate(clip) == "inset(0px 0px 0px 100%)"

    def test_the_three_crops_move_together(self, page):
        page.get_by_role("button", name="4×").click()
        transforms = "[...document.querySelectorAll('.pane img')].map((image) => image.style.transform)"
        before = page.evaluate(transforms)
        page.locator(".pane").nth(1).scroll_into_view_if_needed()
        box = page.locator(".pane").nth(1).bounding_box()
        page.mouse.move(box["x"] + 150, box["y"] + 150)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 120, steps=3)
        page.mouse.up()
        after = page.evaluate(transforms)
        assert len(set(after)) == 1
        assert after != before
        assert "scale(4)" in after[0]

    def test_residuals_are_those_of_the_pictures(self, page, folders):
        page.locator("#gain").fill("3")
        page.wait_for_selector("canvas[data-kind=real][data-drawn='0 3']")
        shown = page.evaluate(
            "[...document.querySelector('canvas[data-kind=real]').getContext('2d').getImageData(40, 20, 1, 1).data]"
        )
        name = page.locator(".choice").first.get_attribute("title") + ".png"
        clean, real = (np.int64(read_picture(folders / kind / name).pixels[20, 40]) for kind in ("clean", "real"))
        np.testing.assert_array_equal(shown[:3], (128 + 3 * (real - clean)).clip(0, 255))

    def test_another_picture_can_be_chosen(self, page):
        before = page.locator(".stage .below").get_attribute("src")
        page.locator(".choice").nth(2).click()
        page.wait_for_selector("canvas[data-kind=real][data-drawn^='2 ']")
        assert page.locator(".stage .below").get_attribute("src") != before
        assert self.trouble == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_fits_a_phone_in_either_scheme(self, browser, folders, same, scheme):
        context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page = context.new_page()
        page.goto((folders / "same.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert (red > 200) == (scheme == "light")
        context.close()
