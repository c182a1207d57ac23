"""Reading PepeDD's options, in any of the ways in which its dictionary can be written down."""

import json

import pytest
import yaml
from conversions import converted, degrades, operations, refused

OPTIONS = {
    "input": "in",
    "num_workers": 2,
    "degradation": [
        {
            "type": "blur",
            "options": {
                "filters": ["gauss", "airy", "ring", "median", "triangle"],
                "kernel": [1, 2],
                "target_kernels": {"airy": [2, 5]},
                "ring_thickness": [1, 3],
                "probability": 0.3,
            },
        },
        {
            "type": "halo",
            "options": {
                "type_halo": ["rgb"],
                "blur": {"filters": ["gauss", "ring", "airy"], "kernel": [0.5, 3]},
                "threshold": [0, 0.1],
                "amount": [1, 2],
            },
        },
        {
            "type": "resize",
            "options": {
                "alg_lq": ["c_box", "i_bilinear", "s_lanczos3", "dpid_0.5", "down_up"],
                "alg_hq": ["c_box"],
                "down_up": {"down": [2, 2], "alg_up": ["nearest"], "alg_down": ["c_mitchell"]},
                "spread": [1, 1, 1],
                "scale": 2,
            },
        },
        {
            "type": "dithering",
            "options": {"types": ["floydsteinberg", "order"], "palette": ["wu"], "color_in_img": [64, 1000]},
        },
        {
            "type": "compress",
            "options": {
                "algorithm": ["jpeg", "avif", "j2000", "bd"],
                "samplings": ["444", "440"],
                "target_compress": {"avif": [20, 40], "j2000": [1, 5]},
                "compress": [50, 80],
                "quantize_table": ["flat"],
                "surprise": 1,
            },
        },
        {"type": "lines", "options": {"n_lines": [1, 5]}},
    ],
}

TOML = """
input = "in"

[[degradation]]
type = "blur"
[degradation.options]
filters = [
  "gauss",      # = a comment with brackets ]]
]
kernel = [1, 2]

[[degradation]]
type = "resize"
[degradation.options]
alg_lq = ["c_box"]
scale = 2
surprise = 3
"""


@pytest.mark.parametrize("suffix", ["json", "yml"])
def test_every_type_lands_in_its_operation(tmp_path, capsys, suffix):
    text = json.dumps(OPTIONS, indent=1) if suffix == "json" else yaml.safe_dump(OPTIONS)
    recipe, told = converted(tmp_path / f"o.{suffix}", text, capsys)
    found = operations(recipe)
    assert recipe.scale == 2
    assert recipe.steps[0].probability == 0.3
    assert (found["gaussian_blur"].sigma, found["airy_blur"].radius) == ((1, 2), (2, 5))
    assert (found["ring_blur"].radius, found["median_blur"].size) == ((2, 5), (3, 5))
    sharp = found["unsharp_mask"]
    assert (sharp.sigma, sharp.amount, sharp.threshold) == ((0.5, 3), (1, 2), (0, 25.5))
    halo = found["halo"]
    assert (halo.blur, halo.width, halo.amount, halo.colour) == ({"ring": 1}, (0.5, 3), (1, 2), 1)
    assert found["resize"].filter == {"box": 1, "linear_aliased": 1, "lanczos": 1, "dpid_0.5": 1}
    assert (found["down_up"].factor, found["down_up"].second) == ((0.5, 0.5), {"nearest": 1})
    assert (found["palette"].colours, found["palette"].dither) == ((64, 256), {"floyd_steinberg": 1})
    assert found["quantise"].levels == (4, 10)
    assert (found["jpeg"].quality, found["jpeg"].subsampling) == ((50, 80), {"4:4:4": 1, "4:4:0": 1})
    assert (found["video_codec"].codec, found["video_codec"].quantiser) == ({"av1": 1}, (20, 40))
    assert found["jpeg2000"].ratio == (20, 100)
    degrades(recipe)
    lost = [line.split(": ", 1)[1] for line in told]
    for expected in (
        "blur.filters triangle: no counterpart, omitted",
        "dithering.palette: median cut for every palette made from the image",
        "dithering.color_in_img: at most 256 colours",
        "halo.blur.filters airy: no counterpart, omitted",
        "compress.algorithm bd: no counterpart, omitted",
        "compress.quantize_table flat: no counterpart, omitted",
        "compress.surprise: unknown, not used",
        "degradation lines: no counterpart, omitted",
    ):
        assert expected in lost
    lines = text.splitlines()
    for line in told:
        number, what, *_ = line.removeprefix("line ").replace(":", " ").split()
        key = what.rsplit(".", 1)[-1]
        assert key in lines[int(number) - 1] or key in ("degradation", "blur")


def test_toml_knows_its_lines_past_lists_and_arrays_of_tables(tmp_path, capsys):
    recipe, told = converted(tmp_path / "o.toml", TOML, capsys)
    assert told == ["line 17: resize.surprise: unknown, not used"]
    assert recipe.steps[0].sigma == (1, 2)
    degrades(recipe, 2)


def test_mistakes_are_one_line(tmp_path, capsys):
    assert "line 10: blur.kernel is 'x', expected" in refused(
        tmp_path / "o.toml", TOML.replace("kernel = [1, 2]", "kernel = 'x'"), capsys
    )
    assert "not valid TOML" in refused(tmp_path / "o.toml", TOML + "[", capsys)
    assert "not valid JSON" in refused(tmp_path / "o.json", "{'a': 1}", capsys)
