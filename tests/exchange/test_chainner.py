"""Reading chaiNNer's chains."""

import json
from itertools import pairwise

import pytest
from conversions import converted, degrades, refused


def node(name: str, schema: str, **inputs: object) -> dict:
    values = {key.removeprefix("i"): value for key, value in inputs.items()}
    return {"id": name, "data": {"schemaId": f"chainner:{schema}", "inputData": values, "id": name}}


def edge(source: str, target: str, number: int = 0) -> dict:
    return {
        "source": source, "target": target, "sourceHandle": f"{source}-0", "targetHandle": f"{target}-{number}",
    }  # fmt: skip


def chain(nodes: list[dict], edges: list[dict], indent: int | None = 1) -> str:
    content = {"version": "0.24.1", "content": {"nodes": nodes, "edges": edges}, "migration": 60}
    return json.dumps(content, indent=indent)


def in_a_row(*nodes: dict) -> list[dict]:
    return [edge(first["id"], second["id"]) for first, second in pairwise(nodes)]


LOAD, SAVE = node("l", "image:load_images", i0="in"), node("s", "image:save", i1="out", i4="jpg", i5=80, i11=2232593)


def test_a_chain_of_nodes_with_random_numbers(tmp_path, capsys):
    steps = [
        node("blur", "image:gaussian_blur", i1=1.5, i2=1.5),
        node("half", "image:resize", i1=0, i2=50, i5=4),
        node("noise", "image:add_noise", i1="gaussian", i2="gray", i3=10),
        node("down", "image:resize", i1=0, i2=50, i5=-1),
        node("dither", "image:dither", i1=16, i2="Ordered", i3="B4"),
        node("lens", "image:lens_blur", i1=2, i2=3, i3=5),
        node("pencil", "image:canny_edge_detection"),
    ]
    extra = [node("r", "utility:random_number", i0=2, i1=12), node("n", "utility:note"), node("x", "image:invert")]
    edges = [*in_a_row(LOAD, *steps, SAVE), edge("r", "noise", 3), edge("l", "s", 3)]
    recipe, told = converted(tmp_path / "c.chn", chain([*steps, LOAD, SAVE, *extra], edges), capsys)
    blur, half, noise, down, dither, lens, jpeg = recipe.steps
    assert recipe.scale == 4
    assert (blur.kind, blur.sigma) == ({"isotropic": 1}, (1.5, 1.5))
    assert (half.filter, half.factor, half.of) == ({"box": 1}, (0.5, 0.5), "current")
    assert (noise.sigma, noise.gray) == (pytest.approx((5.1, 30.6)), 1)
    assert (down.filter, down.of) == ({"box": 1}, "target")
    assert (dither.levels, dither.dither) == ((16, 16), {"ordered_4": 1})
    assert (lens.radius, lens.components, lens.exposure_gamma) == ((2, 2), 3, (5, 5))
    assert (jpeg.quality, jpeg.subsampling) == ((80, 80), {"4:2:0": 1})
    degrades(recipe)
    assert [line.split(": ", 1)[1] for line in told] == [
        "node canny_edge_detection: no counterpart, omitted",
        "node invert: not on the way to the saved image, not used",
    ]
    number = int(told[0].split(":")[0].removeprefix("line "))
    text = (tmp_path / "c.chn").read_text().splitlines()
    assert "canny" in "".join(text[number - 1 : number + 6])


@pytest.mark.parametrize(
    ("made", "name", "expected"),
    [
        (node("a", "image:blur", i1=2, i2=2), "box_blur", {"size": (5, 5)}),
        (node("a", "image:gaussian_blur", i1=2, i2=0), "ellipse_blur", {"sigma_x": (2, 2), "sigma_y": (0, 0)}),
        (node("a", "image:median_blur", i1=2), "median_blur", {"size": (5, 5)}),
        (node("a", "image:sharpen", i1=3, i2=1.5, i3=10), "unsharp_mask", {"sigma": (3, 3), "threshold": (25.5, 25.5)}),
        (node("a", "image:pixelate", i1=4, i2=4), "pixelate", {"size": (4, 4)}),
        (node("a", "image:gamma", i1=2, i2=1), "levels", {"gamma": (0.5, 0.5)}),
        (node("a", "image:color_levels", i5=0.1, i7=2), "levels", {"black": (25.5, 25.5), "gamma": (0.5, 0.5)}),
        (node("a", "image:hue_and_saturation", i2=-50), "colour_shift", {"saturation": (0.5, 0.5)}),
        (node("a", "image:brightness_and_contrast", i1=10), "colour_shift", {"brightness": (0.1, 0.1)}),
        (node("a", "image:add_noise", i1="speckle", i3=10), "speckle", {"sigma": (25.5, 25.5)}),
        (node("a", "image:add_noise", i1="salt_and_pepper", i3=5), "salt_and_pepper", {"share": (0.05, 0.05)}),
        (node("a", "image:dither", i1=8, i2="Diffusion", i4="S2"), "quantise", {"dither": {"two_row_sierra": 1}}),
        (
            node("a", "image:dither", i1=8, i2="Riemersma", i5=20),
            "quantise",
            {"history": (20, 20), "ratio": (0.05, 0.05)},
        ),
    ],
)
def test_every_node_lands_in_its_operation(tmp_path, capsys, made, name, expected):
    png = node("s", "image:save", i4="png")
    recipe, _ = converted(tmp_path / "c.chn", chain([LOAD, made, png], in_a_row(LOAD, made, png), None), capsys)
    [block] = recipe.steps
    assert block.name == name
    assert {key: getattr(block, key) for key in expected} == expected
    degrades(recipe, 2)


@pytest.mark.parametrize(
    ("number", "subsampling"),
    [(0x111111, "4:4:4"), (0x211111, "4:2:2"), (0x221111, "4:2:0"), (0x121111, "4:4:0"), (0x411111, "4:1:1")],
)
def test_every_subsampling_of_a_jpeg_stays(tmp_path, capsys, number, subsampling):
    save = node("s", "image:save", i4="jpg", i11=number)
    recipe, told = converted(tmp_path / "c.chn", chain([LOAD, save], in_a_row(LOAD, save)), capsys)
    assert recipe.steps[0].subsampling == {subsampling: 1}
    assert told == []
    degrades(recipe, 1)


def test_a_second_branch_and_switched_off_nodes_are_named(tmp_path, capsys):
    off, webp = node("o", "image:blur"), node("s", "image:save", i4="webp", i5=70)
    off["data"]["isPassthrough"] = True
    clean = node("c", "image:save", i4="png")
    edges = [*in_a_row(LOAD, off, webp), edge("l", "c")]
    recipe, told = converted(tmp_path / "c.chn", chain([LOAD, off, webp, clean], edges), capsys)
    assert [step.name for step in recipe.steps] == ["webp"]
    assert [line.split(": ", 1)[1] for line in told] == [
        "node blur: switched off, left out",
        "node save: a second branch with 0 nodes, not used",
    ]


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        ([LOAD], [], "saves no image"),
        (
            [LOAD, SAVE, node("r", "image:resize", i2=30)],
            [edge("l", "r"), edge("r", "s")],
            "scales images to 30 %, expected 100 % divided by a whole number",
        ),
        (
            [LOAD, SAVE, node("b", "image:blend"), node("o", "image:load")],
            [edge("l", "b"), edge("o", "b", 1), edge("b", "s")],
            "node blend also takes the image of load",
        ),
        (
            [LOAD, SAVE, node("r", "image:resize"), node("n", "utility:random_number", i0=20, i1=50)],
            [edge("l", "r"), edge("n", "r", 2), edge("r", "s")],
            "node resize draws from 20 to 50 %",
        ),
        ([LOAD, SAVE, node("a", "image:blur")], [edge("a", "s"), edge("s", "a")], "feeds itself"),
    ],
)
def test_what_is_no_row_is_refused_in_one_line(tmp_path, capsys, nodes, edges, expected):
    assert expected in refused(tmp_path / "c.chn", chain(nodes, edges), capsys)


def test_other_json_is_no_chain(tmp_path, capsys):
    assert "not a chain of chaiNNer" in refused(tmp_path / "c.chn", '{"content": {}}', capsys)
