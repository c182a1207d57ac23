"""The report: verdicts, files and exit codes, as a user gets them."""

import json
import re

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.fidelity.samples import load_samples
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.runs.run_models import newest_model
from sets import ludvae_values, write_config, write_noisy_sets, write_pictures


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_noisy_sets(tmp_path_factory.mktemp("report"), 8)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Return folders of as few images as a report takes."""
    return write_noisy_sets(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def run(few):
    values = ludvae_values(few) | {"runs": str(few / "runs")}
    assert run_command("train", ["-opt", str(write_config(few / "tiny.yml", values)), "-device", "cpu"]) == 0
    return few / "runs/tiny"


def report(folders, generated: str, out, *options, judge_steps: int = 1) -> int:
    places = ["-clean", folders / "clean", "-real", folders / "real", "-generated", folders / generated]
    values = [*places, "-paired", "-out", out, "-judge_steps", judge_steps, *options]
    return run_command("report", list(map(str, values)))


@pytest.fixture(scope="module")
def same(folders):
    assert report(folders, "same", folders / "same.html", "--require", judge_steps=12) == 0
    return json.loads((folders / "same.json").read_text())


@pytest.fixture(scope="module")
def white(folders):
    assert report(folders, "white", folders / "white.html") == 0
    return json.loads((folders / "white.json").read_text())


def by_key(values) -> dict:
    return {finding["key"]: finding for finding in values["findings"]}


class TestVerdicts:
    @pytest.mark.slow
    def test_the_same_noise_matches_real_images(self, same):
        found = by_key(same)
        for key in (
            "spectrum",
            "anisotropy",
            "autocorrelation",
            "covariance",
            "noise_level",
            "classifier_accuracy",
            "akld",
        ):
            assert found[key]["grade"] == "real", found[key]
        assert found["spectrum"]["distance"] < 0.5 < found["spectrum"]["baselines"]["Gaussian"]

    @pytest.mark.slow
    def test_white_noise_does_not_match_correlated_noise(self, white):
        found = by_key(white)
        for key in ("spectrum", "autocorrelation"):
            assert found[key]["grade"] == "no better"
        assert re.fullmatch(
            r"Noise too fine-grained: correlation of neighbouring pixels -0\.0\d against 0\.4\d\.",
            found["autocorrelation"]["sentence"],
        )
        assert found["spectrum"]["distance"] == pytest.approx(found["spectrum"]["baselines"]["Gaussian"], rel=0.1)
        assert "Noise too strong at high frequencies (fine detail): +" in found["spectrum"]["sentence"]

    @pytest.mark.slow
    def test_the_baselines_are_fitted_to_the_real_noise(self, same):
        np.testing.assert_allclose(same["baselines"]["Gaussian"]["sigma"], 8, rtol=0.1)

    @pytest.mark.slow
    def test_unpaired_folders_show_the_noise_too(self, folders, tmp_path, capsys):
        places = ["-clean", folders / "clean", "-real", folders / "real", "-generated", folders / "same"]
        out = ["-out", tmp_path / "page.html", "-judge_steps", 1]
        assert run_command("report", [*map(str, [*places, *out]), "--json"]) == 0
        values = json.loads(capsys.readouterr().out)
        assert values == json.loads((tmp_path / "page.json").read_text())
        assert "akld" not in by_key(values)
        np.testing.assert_allclose(values["baselines"]["Gaussian"]["sigma"], 8, rtol=0.35)
        assert "another image" in (tmp_path / "page.html").read_text()

    @pytest.mark.slow
    @pytest.mark.usefixtures("few_draws")
    def test_smaller_images_are_compared_with_downscaled_clean_ones(self, folders, tmp_path, capsys):
        for path in list_pictures(folders / "clean"):
            large = read_picture(path).pixels.repeat(2, axis=0).repeat(2, axis=1)
            write_picture(tmp_path / "large" / path.name, large)
        samples = load_samples(tmp_path / "large", limit=2, side=64, scale=2)
        small = imresize(read_picture(list_pictures(tmp_path / "large")[0]).pixels, 0.5)
        top, left = ((length - 64) // 2 // 8 * 8 for length in small.shape[:2])
        np.testing.assert_array_equal(samples[0].pixels, small[top : top + 64, left : left + 64])
        places = ["-clean", tmp_path / "large", "-real", folders / "real", "-generated", folders / "same"]
        flags = ["-paired", "-judge_steps", 1, "-out", tmp_path / "pages"]
        assert run_command("report", [*map(str, [*places, *flags])]) == 2
        assert "expected equal sizes, or -scale if" in capsys.readouterr().err
        assert run_command("report", [*map(str, [*places, *flags, "-scale", 2])]) == 0
        values = json.loads((tmp_path / "pages/report.json").read_text())
        assert values["facts"]["scale"] == "clean images downscaled by 2"
        assert "-scale 2" in values["command"]
        found = by_key(values)["autocorrelation"]
        assert found["distance"] < 0.5 * found["baselines"]["Gaussian"]

    @pytest.mark.slow
    @pytest.mark.usefixtures("few_draws")
    def test_the_same_command_gives_the_same_numbers(self, few, tmp_path):
        found = []
        for name in ("one", "two"):
            assert report(few, "same", tmp_path / f"{name}.html", judge_steps=2) == 0
            found.append(json.loads((tmp_path / f"{name}.json").read_text()))
            assert found[-1].pop("command").endswith(f"/{name}.html")
        assert found[0] == found[1]


class TestRequire:
    @pytest.mark.slow
    def test_the_required_level_decides_the_exit_code(self, few, tmp_path, capsys):
        assert report(few, "white", tmp_path / "page.html", "--require") == 1
        assert "not reached (better): Spectrum" in capsys.readouterr().err
        assert (tmp_path / "page.html").is_file()


@pytest.mark.usefixtures("few_draws")
class TestRuns:
    @pytest.mark.slow
    def test_a_run_folder_knows_everything(self, run, capsys):
        assert run_command("report", [str(run), "-judge_steps", "1", "-temperature", "0.5"]) == 0
        page = (run / "report.html").read_text()
        values = json.loads((run / "report.json").read_text())
        assert values["name"] == "tiny"
        assert values["facts"]["temperature"] == "0.5"
        assert "Training: " in page
        assert "noise_level:" in page
        assert f"{run / 'report.html'}, {run / 'report.json'}\n" in capsys.readouterr().out

    @pytest.mark.slow
    def test_a_model_file_needs_folders(self, run, few, tmp_path, capsys):
        model = str(newest_model(run))
        assert run_command("report", [model]) == 2
        assert "-clean and -real are needed" in capsys.readouterr().err
        places = ["-clean", few / "clean", "-real", few / "real", "-out", tmp_path / "page.html"]
        assert run_command("report", [model, *map(str, places), "-judge_steps", "1"]) == 0

    def test_the_newest_model_is_taken(self, tmp_path):
        for name in ("900", "1000"):
            (tmp_path / "models").mkdir(exist_ok=True)
            (tmp_path / f"models/{name}.safetensors").touch()
        assert newest_model(tmp_path).stem == "1000"
        (tmp_path / "models/final.safetensors").touch()
        assert newest_model(tmp_path).stem == "final"


class TestMistakes:
    @pytest.mark.slow
    def test_they_are_one_line(self, folders, tmp_path, capsys):
        def refused(*arguments) -> str:
            assert run_command("report", list(map(str, arguments))) == 2
            return capsys.readouterr().err

        assert "expected either RUN" in refused()
        assert "not a run folder" in refused(tmp_path)
        generated = ["-generated", folders / "same"]
        assert "-heat is a knob of a model" in refused(*generated, "-heat", 1)
        assert "-pictures is 2, expected 4 or more" in refused(*generated, "-pictures", 2)
        few = write_pictures(tmp_path / "few", 3, width=64, height=64)
        assert "too few" in refused("-clean", few, "-real", few, "-generated", few)
        small = write_pictures(tmp_path / "small", 4)
        assert "64x48 pixels, expected 64 or more" in refused("-clean", small, "-real", small, *generated)
        strange = ["-clean", folders / "clean", "-real", folders / "real", "-generated", few]
        assert "has no image named scene0_00" in refused(*strange)
        assert not list(tmp_path.glob("*.html"))

    def test_images_of_another_size_are_named(self, folders, tmp_path, capsys):
        for path in list_pictures(folders / "same"):
            write_picture(tmp_path / "cut" / path.name, read_picture(path).pixels[:80])
        assert report(folders, str(tmp_path / "cut"), tmp_path / "page.html") == 2
        assert "expected equal sizes, or -scale if" in capsys.readouterr().err
