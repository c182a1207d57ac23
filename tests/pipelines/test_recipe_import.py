"""Reading Dataset Destroyer's config.ini."""

import numpy as np
import pytest

from patina.cli.main import main
from patina.degradations.execution import apply_plan
from patina.degradations.recipe import load_recipe, parse_recipe
from patina.imaging.value_spaces import to_values
from sets import picture

FAMILIES = "blur,noise,compression,scale,quantization,unsharp_mask,chroma,vhs"
INI = r"""
[main]
input_folder = path\\to\\input
output_format = png
degradations = blur,noise,compression,scale,quantization,unsharp_mask,chroma,vhs
randomize = True
surprise = 3
[likelihood]
blur = 0.4
scale = 0.05
[blur]
algorithms = average,gaussian,anisotropic,swirl
range = 1,16
scale_factor = 0.25
[noise]
algorithms = uniform,gaussian,color,gray,salt-and-pepper
range = 0,5
scale_factor = 0.05
sp_range = 1,5
sp_scale_factor = 0.02
[compression]
algorithms = h264,jpeg,webp
jpeg_quality_range = 40, 95
webp_quality_range = 45, 90
h264_crf_level_range = 23,32
[scale]
algorithms = down_up,linear,cubic_mitchell
down_up_algorithms = linear,lanczos
size_factor = 0.25
range = 0.75,1.5
[quantization]
algorithms = floyd_steinberg,stucki,swirl
range = 2, 255
[unsharp_mask]
radius_range = 0.2, 0.5
percent_range = 3, 15
threshold_range = 1, 3
[chroma]
algorithms = gaussian,swirl
horizontal_range = 1,10
vertical_range = 1,1
"""


@pytest.fixture
def ini(tmp_path):
    path = tmp_path / "config.ini"
    path.write_text(INI, encoding="utf-8")
    return path


def run(*arguments):
    return main(["convert", *map(str, arguments)])


def test_what_has_a_counterpart_is_translated_and_runs(ini, tmp_path):
    assert run(ini) == 0
    recipe = load_recipe(tmp_path / "config.yml")
    written = (tmp_path / "config.yml").read_text()
    assert "- gaussian_blur: {kind: anisotropic, size: 35, sigma: [0.25, 4.0]}" in written
    assert "&" not in written
    assert recipe.scale == 4
    [shuffle] = recipe.steps
    blur, noise, compression, scale, levels, sharp, chroma = shuffle.steps
    assert (blur.probability, noise.probability, scale.probability) == (0.4, 0.3, 1)
    box, gauss, anisotropic = (choice.steps[0] for choice in blur.choices)
    assert box.size == (1, 5)
    assert gauss.sigma == pytest.approx((0.5, 1.1))
    assert anisotropic.sigma == (0.25, 4)
    assert noise.choices[0].steps[0].amplitude == pytest.approx((0, 63.75))
    assert noise.choices[1].steps[0].sigma == pytest.approx((0, 127.5))
    assert noise.choices[2].steps[0].sigma == pytest.approx((0, 63.75))
    video, *pictures = (choice.steps[0] for choice in compression.choices)
    assert (video.codec, video.quantiser) == ({"h264": 1}, (23, 32))
    assert [block.quality for block in pictures] == [(40, 95), (45, 90)]
    assert [choice.weight for choice in scale.choices] == [2, 1]
    assert scale.choices[0].steps[0].filter == {"linear": 1, "mitchell": 1}
    assert scale.choices[1].steps[0].factor == (0.75, 1.5)
    assert (levels.levels, levels.dither) == ((2, 255), {"floyd_steinberg": 1, "stucki": 1})
    assert sharp.amount == (3, 15)
    assert (chroma.sigma, chroma.sigma_y) == (pytest.approx((0, 2)), (0, 0))
    for seed in range(10):
        image = to_values(picture(seed, 40, 44))
        assert apply_plan(image, recipe.draw("", (40, 44), seed, "a")).shape == (10, 11, 3)


def test_what_has_none_is_named_on_the_screen_and_in_the_recipe(ini, tmp_path, capsys):
    run(ini)
    told = capsys.readouterr().err.splitlines()
    for expected in (
        "line 12: blur swirl: no counterpart, omitted",
        "line 32: quantization swirl: no counterpart, omitted",
        "line 39: chroma swirl: no counterpart, omitted",
        "line 5: degradation vhs: no counterpart, omitted",
        "line 10: likelihood.scale: 1 instead of 0.05, as all images of a set must have one size",
        "line 8: likelihood.noise: missing, set to 0.3 as Dataset Destroyer does",
        "line 7: main.surprise: not used",
    ):
        assert expected in told
    comments = [line[2:] for line in (tmp_path / "config.yml").read_text().splitlines() if line.startswith("#")]
    assert comments[1:] == told


def test_a_fixed_order_and_first_kinds(ini, tmp_path):
    text = INI.replace("randomize = True", "randomize = False").replace("[blur]", "[blur]\nrandomize = False")
    ini.write_text(text.replace("[scale]", "[scale]\nrandomize = False"), encoding="utf-8")
    run(ini, "-out", tmp_path / "r.yml")
    recipe = load_recipe(tmp_path / "r.yml")
    names = [step.op for step in recipe.draw("", (40, 44), 0, "a")]
    assert names[0] == "box_blur"
    assert names[3:] == ["down_up", "quantise", "unsharp_mask", "chroma_blur"]
    assert recipe.steps[0].probability == 1
    plans = [recipe.draw("", (40, 44), seed, "a") for seed in range(20)]
    assert {(plan[3].parameters["first"], plan[3].parameters["second"]) for plan in plans} == {("linear", "lanczos")}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("size_factor = 0.25", "size_factor = 0.3", "scale.size_factor is 0.3, expected 1 divided by a whole number"),
        ("range = 0.75,1.5", "range = 0.75", "scale.range is '0.75', expected two numbers"),
        ("randomize = True", "randomize = Maybe", "main.randomize is 'Maybe', expected True or False"),
        (FAMILIES, "vhs", "no degradation in it has a counterpart"),
        ("jpeg_quality_range = 40, 95", "", "compression.jpeg_quality_range is missing"),
        ("[main]", "[main]\n[main]", "not a valid INI file"),
        ("[main]", "main {", "does not start with a [section]; expected Dataset Destroyer's INI"),
    ],
)
def test_a_mistake_is_one_line(ini, tmp_path, capsys, old, new, expected):
    ini.write_text(INI.replace(old, new), encoding="utf-8")
    assert run(ini) == 2
    told = capsys.readouterr().err.strip()
    assert expected in told
    assert "\n" not in told
    assert not (tmp_path / "config.yml").exists()


def test_no_recipe_is_written_over(ini, tmp_path, capsys):
    (tmp_path / "config.yml").write_text("mine", encoding="utf-8")
    assert run(ini) == 2
    assert run(tmp_path / "none.ini") == 2
    assert "exists; choose another file" in capsys.readouterr().err
    assert (tmp_path / "config.yml").read_text() == "mine"


def test_a_picture_stays_itself_at_the_mildest_blur():
    recipe = parse_recipe({"scale": 1, "steps": [{"box_blur": {"size": 1}}]}, "x")
    image = to_values(picture(0))
    np.testing.assert_allclose(apply_plan(image, recipe.draw("", image.shape[:2], 0, "a")), image, atol=1e-6)


def test_the_first_version_counts_grey_levels_and_resizes_by_opencv(tmp_path, capsys):
    """It has no scale factors, no down_up_algorithms, one crf for all codecs and bit rates for MPEG."""
    first = """[main]
degradations = blur,noise,compression,scale
randomize = False
[blur]
algorithms = isotropic,sinc
range = 1,5
[noise]
algorithms = uniform,gaussian
range = 1,3
[compression]
algorithms = mpeg,mpeg2,h264,jpeg
jpeg_quality_range = 0, 100
crf_level = 32
mpegbitrate = 4500k
mpeg2bitrate = 4000k
[scale]
algorithms = down_up,bicubic,box
size_factor = 0.50
range = 0.5,2.0
"""
    (tmp_path / "config.ini").write_text(first, encoding="utf-8")
    assert run(tmp_path / "config.ini") == 0
    told = capsys.readouterr().err.splitlines()
    recipe = load_recipe(tmp_path / "config.yml")
    blur, noise, compression, scale = recipe.steps
    assert blur.sigma == (1, 5)
    assert [choice.steps[0].name for choice in noise.choices] == ["uniform_noise", "gaussian_noise"]
    assert noise.choices[0].steps[0].amplitude == (1, 3)
    assert noise.choices[1].steps[0].sigma == (1, 3)
    assert [choice.steps[0].name for choice in compression.choices] == ["video_codec", "jpeg"]
    assert compression.choices[0].steps[0].quantiser == (32, 32)
    assert scale.choices[0].steps[0].filter == {"cubic_aliased": 1, "area": 1}
    assert scale.choices[1].steps[0].first == {"linear_aliased": 1}
    for expected in (
        "line 5: blur sinc: no counterpart, omitted",
        "line 14: compression.mpegbitrate, a bit rate: no counterpart, omitted",
        "line 15: compression.mpeg2bitrate, a bit rate: no counterpart, omitted",
    ):
        assert expected in told


def test_the_second_version_scales_grey_levels(tmp_path):
    """Its Gaussian noise has the range as variance, colour and gray noise are not scaled; OpenCV's filters by name."""
    second = """[main]
degradations = blur,noise,compression,scale,quantization
randomize = True
[blur]
algorithms = anisotropic
range = 2,8
scale_factor = 0.5
[noise]
algorithms = uniform,gaussian,gray
range = 2,32
scale_factor = 0.5
[compression]
algorithms = hevc
hevc_crf_level_range = 20,30
[quantization]
algorithms = stucki
range = 4,8
[scale]
algorithms = down_up,lanczos
down_up_algorithms = bilinear,box
size_factor = 0.5
range = 0.5,1
"""
    (tmp_path / "config.ini").write_text(second, encoding="utf-8")
    assert run(tmp_path / "config.ini") == 0
    [shuffle] = load_recipe(tmp_path / "config.yml").steps
    blur, noise, hevc, scale, levels = shuffle.steps
    assert (blur.sigma, blur.angle, blur.probability) == ((1, 4), (0, 0), 1)
    uniform, white, gray = (choice.steps[0] for choice in noise.choices)
    assert (uniform.amplitude, white.sigma, gray.sigma) == ((1, 16), (1, 4), (2, 32))
    assert (hevc.quantiser, levels.levels) == ((20, 30), (4, 8))
    assert scale.choices[1].steps[0].first == {"linear_aliased": 1, "area": 1}


def test_versions_between_have_bit_rates_as_ranges(ini, tmp_path, capsys):
    text = INI.replace("algorithms = h264,jpeg,webp", "algorithms = mpeg,jpeg\nmpeg_bitrate_range = 4500,5500")
    ini.write_text(text, encoding="utf-8")
    assert run(ini) == 0
    assert "line 23: compression.mpeg_bitrate_range, a bit rate: no counterpart" in capsys.readouterr().err
    found = [step for step in load_recipe(tmp_path / "config.yml").steps[0].steps if step.name == "jpeg"]
    assert found[0].quality == (40, 95)
