"""Make the sheets of docs/recipes.md: run from the project's folder, with the operations' names or for all of them.

python docs/recipes/make_pictures.py haze
python docs/recipes/make_pictures.py --model trained_models/DeFlow-demo/models/final.safetensors
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from scipy.ndimage import gaussian_filter
from skimage import data

from patina.cli.main import main
from patina.degradations.kernels import motion
from patina.imaging.picture_files import read_picture, write_picture

PAGE = Path(__file__).parents[1] / "recipes.md"
RESIZES = ("resize", "down_up")
FACE, BADGE = (slice(50, 178), slice(160, 288)), (slice(330, 458), slice(120, 248))


def examples() -> dict[str, dict]:
    """Return the example of every operation in the page."""
    text = PAGE.read_text(encoding="utf-8").split("## Operations")[1]
    return {
        name: yaml.safe_load(code)[name] for name, code in re.findall(r"### (\w+)\n.*?```yaml\n(.*?)```", text, re.S)
    }


def make_pictures(names: list[str], model: Path | None) -> None:
    """Write a preview for the examples of these operations; `learned` needs a model file."""
    if missing := [name for name in names if name not in examples()]:
        sys.exit(f"{PAGE}: no section ### {missing[0]} with an example in YAML under ## Operations; write it first")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "kernels.npy", motion(9, 0.5))
        np.savez(
            place / "noise.npz",
            grain=20 * gaussian_filter(np.random.default_rng(0).normal(size=(8, 32, 32, 3)), (0, 1, 1, 0)),
        )
        for name in names:
            settings = examples()[name]
            write_picture(place / "clean.png", data.astronaut()[BADGE if name.startswith("chroma_") else FACE])
            settings |= {"file": str(place / settings["file"])} if "file" in settings else {}
            settings |= {"model": str(model.resolve())} if name == "learned" and model else {}
            end = [{"resize": {"filter": "linear", "of": "target"}}] if name == "resize" else []
            scale = 4 if name in RESIZES else 1
            (place / "r.yml").write_text(yaml.safe_dump({"scale": scale, "steps": [{name: settings}, *end]}))
            sheet = place / "sheet.png"
            main(["preview", str(place / "r.yml"), str(place / "clean.png"), "-out", str(sheet), "-side", "128"])
            pixels = read_picture(sheet).pixels
            if end:  # it is no part of the example
                pixels = pixels[: 2 * (128 + 12) + 32]
            write_picture(PAGE.parent / "recipes" / f"{name}.jpg", pixels, quality=82)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="operations (default: all)")
    parser.add_argument("--model", type=Path, help="model file for the operation `learned`")
    arguments = parser.parse_args()
    make_pictures(arguments.names or list(examples()), arguments.model)
