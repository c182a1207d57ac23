"""Writing recipes as options of Real-ESRGAN, neosr and traiNNer-redux."""

import json
from pathlib import Path

import pytest
import yaml
from conversions import degrades

from patina.cli.main import main
from patina.degradations.recipe import load_recipe
from patina.exchange.conversion import Remarks
from patina.exchange.lined_values import plain, read_toml_lines
from patina.exchange.range_spans import spanned

TOOLS = ["realesrgan", "neosr", "trainner-redux"]


def exported(folder: Path, recipe: str | Path, tool: str, capsys) -> tuple[dict, list[str]]:
    """Write a recipe as options; return them in one mapping, and the remarks."""
    out = folder / ("o.toml" if tool == "neosr" else "o.yml")
    out.unlink(missing_ok=True)
    assert main(["convert", str(recipe), "--to", tool, "-out", str(out)]) == 0
    told = capsys.readouterr().err.splitlines()
    text = out.read_text(encoding="utf-8")
    assert [line[2:] for line in text.splitlines() if line.startswith("# ")][1:] == told
    if tool == "neosr":
        found = plain(read_toml_lines(text, out))
        return {**found, **found.pop("degradations")}, told
    found = yaml.safe_load(text)
    return {**found, **found.pop("datasets")["train"]}, told


def imported(folder: Path, tool: str):
    """Convert exported options back to a recipe."""
    (folder / "back.yml").unlink(missing_ok=True)
    assert (
        main(["convert", str(folder / ("o.toml" if tool == "neosr" else "o.yml")), "-out", str(folder / "back.yml")])
        == 0
    )
    return load_recipe(folder / "back.yml")


def written(folder: Path, steps: list, scale: int = 2) -> Path:
    path = folder / "r.yml"
    path.write_text(json.dumps({"scale": scale, "steps": steps}), encoding="utf-8")
    return path


TARGET = {"resize": {"filter": "lanczos", "of": "target"}}


def test_the_shipped_recipe_returns_as_it_was(tmp_path, capsys):
    options, told = exported(tmp_path, "real-esrgan", "realesrgan", capsys)
    assert told == []
    assert options["gt_usm"] is True
    assert imported(tmp_path, "realesrgan").digest == load_recipe("real-esrgan").digest


def test_the_shipped_recipe_for_neosr_loses_its_sharpening_only(tmp_path, capsys):
    _, told = exported(tmp_path, "real-esrgan", "neosr", capsys)
    assert told == ["unsharp_mask: no counterpart, omitted"]
    assert imported(tmp_path, "neosr").steps == load_recipe("real-esrgan").steps[1:]


def test_the_shipped_recipe_for_redux(tmp_path, capsys):
    options, told = exported(tmp_path, "real-esrgan", "trainner-redux", capsys)
    assert (options["lq_usm_radius_range"], options["blur_prob2"], options["jpeg_prob"]) == ([51, 51], 0.8, 1)
    assert options["resize_mode_list"] == ["bilinear", "bicubic"]
    assert told == [
        "filters of resize: area: no counterpart, omitted",
        "resize2: images of exactly the target size count as enlarged, up to 1.2",
        "filters of resize2: area: no counterpart, omitted",
        "filters of resize3: area: no counterpart, omitted",
    ]
    degrades(imported(tmp_path, "trainner-redux"), 3)


@pytest.mark.parametrize("tool", TOOLS)
def test_many_profiles_become_the_span_of_most_of_them(tmp_path, capsys, tool):
    profiles = [
        {
            "steps": [
                {"ellipse_blur": {"sigma_x": [1 + k / 100, 1.1 + k / 100], "sigma_y": [0.5, 0.6]}},
                TARGET,
                {"sensor_noise": {"sigma": [k, k + 1]}},
                {"bilateral": {"strength": [0, 0]}},
                {"jpeg": {"quality": 50 + k // 4}},
            ]
        }
        for k in range(100)
    ]
    recipe = written(tmp_path, [{"one_of": {"choices": profiles}}])
    options, told = exported(tmp_path, recipe, tool, capsys)
    assert options["noise_range2"] == [4, 95]
    assert options["jpeg_range2"] == [51, 73]
    assert options["blur_sigma"] == pytest.approx([0.5, 2.04])
    assert (options["kernel_list"], options["kernel_prob"]) == (["aniso"], [1])
    assert (options["gaussian_noise_prob2"], options["noise_range"]) == (1, [0, 0])
    assert "noise_range2: 5th percentile of the low ends to 95th of the high ends of 100" in told
    assert "ellipse_blur: an anisotropic Gaussian of any angle; one range for both sigmas" in told
    assert any(line.startswith("100 profiles: ") for line in told)
    assert not any("bilateral" in line for line in told)
    found = imported(tmp_path, tool)
    assert found.scale == 2
    degrades(found, 3)


def test_probabilities_of_what_only_redux_can_leave_out(tmp_path, capsys):
    steps = [
        {"gaussian_blur": {"kind": {"isotropic": 3, "anisotropic": 1}, "sigma": [1, 2], "probability": 0.4}},
        {"resize": {"filter": {"linear": 1, "lanczos": 3}, "factor": [0.5, 1.5]}},
        {"gaussian_noise": {"sigma": [2, 5], "gray": 0.3, "probability": 0.6}},
        {"jpeg": {"quality": [60, 100], "probability": 0.7}},
        TARGET,
        {"jpeg": {"quality": [70, 90], "subsampling": "4:4:4"}},
    ]
    recipe = written(tmp_path, steps)
    options, told = exported(tmp_path, recipe, "trainner-redux", capsys)
    assert (options["blur_prob"], options["jpeg_prob"], options["jpeg_prob2"]) == (0.4, 0.7, 1)
    assert (options["kernel_list"], options["kernel_prob"]) == (["iso", "aniso"], [0.75, 0.25])
    assert (options["resize_prob"], options["resize_range"]) == ([0.5, 0.5, 0], [0.5, 1.5])
    assert options["resize_mode_prob"] == [0.25, 0.75]
    assert (options["resize_prob2"], options["resize_range2"]) == ([1, 0, 0], [1, 1.0001])
    assert (options["gaussian_noise_prob"], options["poisson_scale_range"]) == (0.6, [0, 0])
    assert (options["noise_range"], options["gray_noise_prob"]) == ([2, 5], 0.3)
    assert options["jpeg_range"] == [60, 99]
    assert "jpeg subsampling: 4:2:0 always" in told
    _, told = exported(tmp_path, recipe, "realesrgan", capsys)
    for expected in (
        "first blur: Real-ESRGAN blurs all images, not 40 %",
        "jpeg: Real-ESRGAN compresses all images, not 70 %",
        "jpeg_range: at most 99; at 100 their JPEG divides by 0",
        "filters of resize: Real-ESRGAN takes area, bilinear or bicubic, not linear, lanczos",
    ):
        assert expected in told


def test_what_has_no_place_is_named(tmp_path, capsys):
    steps = [
        {"shuffle": {"steps": [{"median_blur": {"size": 3}}, {"lens_blur": {"radius": [1, 4]}}]}},
        {"resize": {"filter": "area", "factor": 0.5}},
        {"uniform_noise": {"amplitude": [3, 6]}},
        {"jpeg_tables": {"luma": [16] * 64}},
        {"webp": {"quality": 50}},
        TARGET,
        {"gaussian_blur": {"sigma": 1}},
        {"jpeg": {"quality": 60}},
        {"jpeg": {"quality": 50}},
    ]
    options, told = exported(tmp_path, written(tmp_path, steps), "neosr", capsys)
    assert options["blur_sigma"] == [0.5, 2]
    assert options["noise_range"] == pytest.approx([1.732051, 3.464102])
    assert options["jpeg_range2"] == [60, 60]
    for expected in (
        "shuffle: the written order instead of a random one",
        "median_blur: no counterpart, omitted",
        "lens_blur: an isotropic Gaussian of the same std",
        "resize: neosr takes any factor from 0.5 to 1, not from 0.5 to 0.5",
        "uniform_noise: Gaussian noise of the same std",
        "jpeg_tables: the nearest quality of the usual tables",
        "webp: no counterpart, omitted",
        "gaussian_blur after the last resize: no counterpart, omitted",
        "jpeg after the second stage: no counterpart, omitted",
    ):
        assert expected in told


def test_a_second_resize_counts_from_the_target_size(tmp_path, capsys):
    noise = {"gaussian_noise": {"sigma": 3}}
    steps = [noise, {"resize": {"filter": "area", "factor": [0.25, 0.5]}}, TARGET]
    options, told = exported(tmp_path, written(tmp_path, steps), "neosr", capsys)
    assert options["resize_range2"] == [0.5, 1]
    assert options["noise_range"] == [3, 3]
    steps = [{"resize": {"filter": "area", "factor": 0.5}}, *steps]
    options, told = exported(tmp_path, written(tmp_path, steps), "neosr", capsys)
    assert "resize2: taken relative to the clean image, not to the image at that step" in told


def test_a_detour_and_variants(tmp_path, capsys):
    detour = {"down_up": {"factor": [0.5, 1.5], "first": "area", "second": "linear_aliased"}}
    options, told = exported(tmp_path, written(tmp_path, [detour]), "realesrgan", capsys)
    assert (options["resize_prob"], options["resize_range"]) == ([0.5, 0.5, 0], [0.5, 1.5])
    assert "jpeg: Real-ESRGAN always compresses; quality 98 to 99 instead of none" in told
    path = tmp_path / "v.yml"
    path.write_text(
        "scale: 2\nblocks:\n  a: [{gaussian_noise: {sigma: 5}}]\n  b: [{resize: {filter: area, of: target}}]\n"
        "variants: {x: [b, a], y: [b]}\n",
        encoding="utf-8",
    )
    options, told = exported(tmp_path, path, "neosr", capsys)
    assert options["gaussian_noise_prob2"] == 0.5
    assert "variants: taken for 2 equally frequent chains" in told


def test_a_file_is_not_written_over_and_a_recipe_must_be_one(tmp_path, capsys):
    recipe = written(tmp_path, [TARGET])
    (tmp_path / "o.yml").write_text("mine", encoding="utf-8")
    assert main(["convert", str(recipe), "--to", "realesrgan", "-out", str(tmp_path / "o.yml")]) == 2
    assert main(["convert", "no-such", "--to", "neosr"]) == 2
    told = capsys.readouterr().err
    assert "exists; choose another file with -out" in told
    assert "no such recipe" in told


def test_options_in_place_of_a_recipe_are_told_the_way(tmp_path, capsys):
    exported(tmp_path, written(tmp_path, [TARGET]), "realesrgan", capsys)
    assert main(["convert", str(tmp_path / "o.yml"), "--to", "neosr"]) == 2
    assert "make a recipe of it first: patina convert" in capsys.readouterr().err


def test_the_span_of_few_ranges_is_whole():
    remarks = Remarks()
    assert spanned("x", [(1, 2, 3), (1, 1, 2.5)], remarks) == [1, 3]
    assert remarks.lines == []
    assert spanned("x", [(1, k, k + 1) for k in range(20)], remarks) == [0, 19]
    assert spanned("x", [(100 if k == 7 else 1, k, k + 1) for k in range(20)], remarks) == [5, 15]
    assert len(remarks.lines) == 1


@pytest.mark.parametrize(("sigma", "is_cut"), [(3, False), (5.7, True)])
def test_a_blur_wider_than_their_kernels_is_named(tmp_path, capsys, sigma, is_cut):
    blur = {"ellipse_blur": {"sigma_x": [2, sigma], "sigma_y": 2}}
    _, told = exported(tmp_path, written(tmp_path, [blur, TARGET]), "trainner-redux", capsys)
    assert any(line.startswith("blur_sigma: kernels of at most 21 pixels weaken") for line in told) == is_cut
