"""Make docs/notebook.ipynb: run its cells and store what they show. Run from the project's folder.

python docs/make_notebook.py
"""

import ast
import base64
import io
import json
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE / "notebook.ipynb"

CELLS = [
    """# Patina: from photos to training pairs

Patina finds out what degraded real photos, and does the same to clean images. This notebook fits a recipe to photos,
looks at what was found, degrades clean images by it and measures what bicubic interpolation loses on them. It needs
no GPU and no download beside the packages: the photographs come with scikit-image. The whole takes about a minute.

On Colab: upload the wheel that `make wheel` writes to `dist/`, then run all cells.""",
    """import importlib.util, glob, subprocess, sys

if importlib.util.find_spec("patina") is None:
    [wheel] = glob.glob("patina_sr-*.whl")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", wheel], check=True)

import patina
print(patina.__version__)""",
    """## Clean images and photos

Two sets that show different things, as yours will: the left parts of eight photographs as clean images, and the right
parts through a camera as photos. To use your own, give `patina.fit` two folders below.""",
    """import cv2
import numpy as np
import skimage.data
from PIL import Image

NAMES = ["astronaut", "coffee", "cat", "rocket", "stereo_motorcycle", "retina", "chelsea", "immunohistochemistry"]
rng = np.random.default_rng(0)

def photograph(name):
    pixels = getattr(skimage.data, name)()
    pixels = pixels[0] if isinstance(pixels, tuple) else pixels
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

def camera(pixels):
    blurred = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.7, 0.9)).astype(float)
    noisy = blurred + rng.normal(0, rng.uniform(5, 8), pixels.shape)
    return np.uint8(noisy.round().clip(0, 255))

clean = {f"{name}.png": np.ascontiguousarray(photograph(name)[:144, :160]) for name in NAMES}
real = {f"{name}.png": camera(photograph(name)[:144, -160:]) for name in NAMES}
Image.fromarray(np.hstack([real["astronaut.png"], real["coffee.png"], real["chelsea.png"]]))""",
    """## Fit

`recipe` names the family: which steps there are, with the numbers that are to be found as `free`. Without it, two
families that come with Patina are tried, with more photos and more time. Eight photos are few, and the fit says so.""",
    """from pathlib import Path

Path("family.yml").write_text(\"\"\"
scale: 1
steps:
  - gaussian_blur: {sigma: {free: [0.1, 3]}}
  - sensor_noise: {sigma: {free: [0, 30]}, grain: {free: [0, 2]}}
\"\"\")
fitted = patina.fit(clean, real, recipe="family.yml", samples=96)
print(fitted.summary)""",
    """for number in fitted.numbers.values():
    print(f"{number['title']}: {number['middle']:.2f} ({number['low']:.2f} to {number['high']:.2f})")""",
    """## Look

A clean image, the same through the fitted recipe, and a photo. Look at grain and edges, not at what is shown.""",
    """image = clean["chelsea.png"]
lq = fitted.recipe(image, seed=0, name="chelsea.png")
shown = np.hstack([image, lq, real["chelsea.png"]])
Image.fromarray(shown).resize((shown.shape[1] * 2, shown.shape[0] * 2), Image.NEAREST)""",
    """## Pairs for training

The recipe is a file, which every command takes; here, a folder is degraded by the command line's own function.""",
    """from patina.cli.main import main
from patina.imaging.picture_files import write_picture

Path("fitted.yml").write_text(fitted.text)
for name, pixels in clean.items():
    write_picture(f"clean/{name}", pixels)
main(["degrade", "fitted.yml", "clean", "pairs/lq", "-gt", "pairs/gt", "-workers", "1", "--quiet"])
print(sorted(path.name for path in Path("pairs/lq").glob("*.png")))
print(Path("pairs/lq/log.jsonl").read_text().splitlines()[1][:300], "…")""",
    """## Measure

What the degradation costs: LQ images beside their ground truth.""",
    """scores = patina.evaluate("pairs/lq", "pairs/gt", metrics=("psnr", "ssim"))
print({name: round(value, 3) for name, value in scores["mean"].items()})""",
    """## Next

- `patina fit CLEAN REAL -scale 4 -out fitted.yml --report report` on your own folders, 20 images or more in each
- `patina studio` to tune the recipe by looking
- `patina train -opt compact-fitted` trains a super-resolution model on the pairs""",
]
"""Texts, which begin with a heading, and code, in turn."""


def is_text(cell: str) -> bool:
    """Whether a cell is Markdown."""
    return cell.startswith("#")


def shown(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a cell as a notebook does; return what it prints and the value of its last expression, as outputs."""
    tree, printed = ast.parse(code), io.StringIO()
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(True)})
    if isinstance(value, Image.Image):
        file = io.BytesIO()
        value.convert("RGB").quantize(128).save(file, "png", optimize=True)
        data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": ["an image"]}
        outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    return outputs


def notebook(run: bool = True) -> dict[str, Any]:
    """Return the notebook; with what its cells show unless they are not to be run."""
    names: dict[str, Any] = {}
    cells = []
    for number, cell in enumerate(CELLS):
        common = {"id": f"cell-{number}", "metadata": {}, "source": cell.splitlines(True)}
        if is_text(cell):
            cells.append({"cell_type": "markdown", **common})
        else:
            outputs = shown(cell, names) if run else []
            cells.append({"cell_type": "code", "execution_count": None, "outputs": outputs, **common})
    language = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Write the notebook, run in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = json.dumps(notebook(), indent=1, ensure_ascii=False) + "\n"
    NOTEBOOK.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
