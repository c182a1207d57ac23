"""Reading wtp_dataset_destroyer's HCL and JSON."""

import sys

import pytest
from conversions import converted, degrades, operations, refused

CHAIN = """
input = "clean"        # the line above is the first
num_workers = 4

degradation {
  type = "blur"
  filter = ["box", "gauss", "median", "lens", "motion", "random"]
  kernel = [0, 1]
  target_kernel = {
    box = [1, 3]
    lens = [0.5, 2]
  }
  motion_size = [2, 9]
  motion_angle = [-30, 30]
  probability = 0.4
  swirl = 3
}
degradation {
  type = "canny"
  white = 0.5
}
degradation {
  type = "resize"
  alg_lq = ["box", "cubic_catrom", "down_up", "up_down", "down_down"]
  alg_hq = ["lagrange"]
  down_up = {
    down = [1, 4]
    alg_up = ["nearest"]
    alg_down = ["hermite", "swirl"]
  }
  up_down = {
    up = [1, 2]
    alg_up = ["linear"]
    alg_down = ["gauss"]
  }
  down_down = {
    step = [3, 3]
    alg_down = ["linear"]
  }
  spread = [1, 2, 0.05]
  scale = 2
  probability = 0.9
}
degradation {
  type = "noise"
  type_noise = ["gauss", "uniform", "salt_and_pepper", "perlin", "pepper", "simplex"]
  alpha = [0.1, 0.2, 0.05]
  y_noise = 0.5
  uv_noise = 0.2
  clip = [0.3, 0.5]
  frequency = [0.1, 0.25, 0.1]
  octaves = [1, 3, 1]
  probability_salt_or_pepper = [0, 0.02]
}
degradation {
  type = "compress"
  algorithm = ["jpeg", "webp", "bpg"]
  jpeg_sampling = ["4:4:4", "4:4:0", "4:2:0"]
  target_compress = {
    jpeg = [40, 95]
  }
  compress = [60, 90]
  probability = 0.75
}
laplace_filter = 0.02
typo = 1
"""

COLOURS = """
degradation {
  type = "dithering"
  dithering_type = ["floydsteinberg", "order", "quantize", "riemersma"]
  color_ch = [4, 16]
  map_size = [4, 8]
  history = [10, 15]
  ratio = [0.1, 0.9]
}
degradation {
  type = "halo"
  type_halo = ["unsharp_mask", "unsharp_halo", "swirl"]
  kernel = [0, 2]
  amount = [1, 3]
  threshold = [0, 20]
}
degradation {
  type = "subsampling"
  sampling = ["4:2:0", "3:1:1"]
  yuv = ["709"]
  down = ["box"]
  up = ["linear"]
  blur = [0, 2]
}
degradation {
  type = "screentone"
  dot_size = [5, 9]
  color {
    type_halftone = ["cmyk", "not_rot"]
    dot {
      angle = [-10, 10]
      type = ["circle"]
    }
    cmyk_alpha = [0.5, 1.0]
  }
}
degradation {
  type = "shift"
  shift_type = ["yuv", "cmyk"]
  yuv = {
    u = [[-2, 1], [0, 0]]
    v = [[-1, 3], [-1, 0]]
  }
}
degradation {
  type = "pixelate"
  size = [0, 4]
}
degradation {
  type = "or"
  probability_one = 0.25
  probability_two = 0.5
  one_degradation {
    type = "saturation"
    rand = [0.5, 1.0]
  }
  two_degradation {
    type = "color"
    high = [240, 255]
    low = [0, 15]
    gamma = [0.9, 1.1]
  }
}
degradation {
  type = "and"
  probability_one = 0.5
  probability_two = 0.2
  one_degradation {
    type = "blur"
    filter = ["gauss"]
  }
  two_degradation {
    type = "resize"
    alg_lq = ["box"]
    scale = 4
  }
}
"""


def test_a_chain_with_a_resize(tmp_path, capsys):
    recipe, told = converted(tmp_path / "c.hcl", CHAIN, capsys)
    blur, resize, noise, compression = recipe.steps
    assert recipe.scale == 2
    assert (blur.probability, resize.probability, compression.probability) == (0.4, 1, 0.75)
    box, gauss, median, lens, motion = (choice.steps[0] for choice in blur.choices)
    assert (box.size, median.size) == ((3, 7), (1, 1))
    assert (gauss.sigma, lens.radius) == ((0.01, 1), (0.5, 2))
    assert (motion.length, motion.angle) == ((2, 9), (-30, 30))
    straight, down_up, up_down, down_down = resize.choices
    assert straight.weight == 2
    assert straight.steps[0].filter == {"box": 1, "catmull_rom": 1}
    assert (down_up.steps[0].of, down_up.steps[0].factor) == ("target", (0.25, 1))
    assert (down_up.steps[0].first, down_up.steps[0].second) == ({"hermite": 1}, {"nearest": 1})
    assert (up_down.steps[0].of, up_down.steps[0].factor) == ("source", (1, 2))
    assert [step.factor for step in down_down.steps[0].choices[0].steps] == [(0.75, 0.75), (1, 1)]
    white, flat, salt, perlin, simplex = (choice.steps[0] for choice in noise.choices)
    assert [choice.weight for choice in white.choices] == pytest.approx([0.9, 0.1])
    assert white.choices[0].steps[0].sigma == pytest.approx((6.375, 12.75))
    assert white.choices[0].steps[0].gray == pytest.approx(0.5 / 0.9, abs=1e-5)
    assert white.choices[1].steps[0].name == "chroma_noise"
    assert flat.choices[0].steps[0].amplitude == pytest.approx((25.5, 51))
    assert salt.share == (0, 0.04)
    assert (perlin.scale, perlin.octaves) == (simplex.scale, simplex.octaves) == ((4, 10), (1, 3))
    assert simplex.name == "simplex_noise"
    jpeg, webp = (choice.steps[0] for choice in compression.choices)
    assert (jpeg.quality, jpeg.subsampling, webp.quality) == ((40, 95), {"4:4:4": 1, "4:4:0": 1, "4:2:0": 1}, (60, 90))
    degrades(recipe)
    for expected in (
        "line 7: blur.filter random: no counterpart, omitted",
        "line 16: blur.swirl: unknown, not used",
        "line 18: degradation canny: no counterpart, omitted",
        "line 29: resize.down_up.alg_down swirl: no counterpart, omitted",
        "line 40: resize.spread: clean images keep their size; degrade smaller copies of them, too, for such a spread",
        "line 42: resize.probability: set to 1, as all images of a set must have one size",
        "line 46: noise.type_noise pepper: no counterpart, omitted",
        "line 50: noise.clip: no counterpart, omitted",
        "line 57: compress.algorithm bpg: no counterpart, omitted",
        "line 65: laplace_filter (leaving out images with little detail): no counterpart, omitted",
        "line 66: typo: unknown, not used",
    ):
        assert expected in told
    numbers = [int(line.split(":")[0].removeprefix("line ")) for line in told]
    assert numbers == sorted(numbers)


def test_colours_and_logical_operators(tmp_path, capsys):
    recipe, told = converted(tmp_path / "c.hcl", COLOURS, capsys)
    found = operations(recipe)
    assert found["quantise"].levels == (4, 16)
    weights = {"floyd_steinberg": 1, "ordered_4": 0.5, "ordered": 0.5, "none": 1, "riemersma": 1}
    assert found["quantise"].dither == weights
    assert (found["quantise"].history, found["quantise"].ratio) == ((10, 15), (0.1, 0.9))
    sharp, halo = (block for block in recipe._all_blocks() if block.name == "halo")
    assert (sharp.kind, sharp.width, sharp.threshold, sharp.colour) == ({"both": 1}, (0.05, 2), (0, 20), 1)
    assert (halo.kind, halo.width, halo.amount, halo.colour) == ({"white": 1}, (0.05, 2), (1, 3), 0)
    chroma = found["chroma_subsampling"]
    assert (chroma.subsampling, chroma.matrix, chroma.up) == ({"4:2:0": 1}, {"bt709": 1}, {"linear": 1})
    assert found["chroma_blur"].sigma == (0, 2)
    screen = found["halftone"]
    assert (screen.dot_size, screen.inks, screen.cyan, screen.strength) == ((5, 9), {"cmyk": 1}, (-10, 10), (0.5, 1))
    assert (found["chroma_shift"].x, found["chroma_shift"].y) == ((-2, 3), (-1, 0))
    assert found["pixelate"].size == (1, 4)
    either, both = recipe.steps[-2:]
    assert [choice.weight for choice in either.choices] == [0.25, 0.375, 0.375]
    assert either.choices[0].steps[0].saturation == (0.5, 1)
    levels = either.choices[1].steps[0]
    assert (levels.output_black, levels.output_white, levels.gamma) == ((0, 15), (240, 255), (0.9, 1.1))
    assert either.choices[2].steps == ()
    assert [choice.weight for choice in both.choices] == pytest.approx([0.1, 0.4, 0.5])
    assert recipe.scale == 1
    degrades(recipe)
    for expected in (
        "line 12: halo.type_halo swirl: no counterpart, omitted",
        "line 19: subsampling.sampling 3:1:1: no counterpart, omitted",
        "line 29: screentone.color.type_halftone not_rot: no counterpart, omitted",
        "line 39: shift.shift_type cmyk: no counterpart, omitted",
        "line 72: a second resize, or one for some images only: no counterpart, omitted",
    ):
        assert expected in told


def test_the_older_json_with_its_own_names(tmp_path, capsys):
    text = """{
\t"input": "a",
\t"process": [
\t\t{"type": "resize", "alg_lq": ["down_up"], "alg_hq": ["box"], "scale": 4, "down_up":
\t\t\t{"up": [1, 2], "alg_up": ["nearest"], "alg_down": ["linear"]}},
\t\t{"type": "compress", "algorithm": ["webp"], "comp": [50, 60],
\t\t "swirl": 1}
\t]
}"""
    recipe, told = converted(tmp_path / "c.json", text, capsys)
    detour, webp = recipe.steps
    assert (detour.factor, detour.of, detour.first, detour.second) == ((1, 2), "source", {"nearest": 1}, {"linear": 1})
    assert webp.quality == (50, 60)
    assert told == ["line 7: compress.swirl: unknown, not used"]
    degrades(recipe, 2)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kernel = [0, 1]", 'kernel = ["a"]', "line 8: blur.kernel is ['a'], expected a list of numbers"),
        ("scale = 2", "scale = 2.5", "line 41: resize.scale is 2.5, expected a whole number of at least 1"),
        ("probability = 0.4", "probability = 4", "line 15: blur.probability is 4, expected a number from 0 to 1"),
        ('type = "canny"', "white = 1", "line 18: degradation.type is missing, expected a text"),
        ("typo = 1", "typo = 1 +", "not valid HCL"),
        ("typo = 1", 'typo = "${var}"', "line 66: expected a number, a text, a list or a block, found an expression"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, capsys, old, new, expected):
    assert expected in refused(tmp_path / "c.hcl", CHAIN.replace(old, new, 1), capsys)


def test_without_the_package_one_line_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "hcl2", None)
    assert "pip install 'patina-sr[hcl]'" in refused(tmp_path / "c.hcl", CHAIN, capsys)
