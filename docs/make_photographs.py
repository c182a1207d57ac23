"""Gather the photographs on which the models `photo-x2` and `photo-x4` were trained, as PNGs.

    pip download --no-deps -d WHEELS scikit-learn matplotlib
    pip download --no-deps -d WHEELS --python-version 3.10 --only-binary=:all: scipy==1.9.3
    python docs/make_photographs.py datasets/photographs -wheels WHEELS

Nine lie in scikit-image; without `-wheels` there are no others. confs/models/README.md lists all with their licences.
"""

import argparse
import bz2
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from patina.experiments.demo_photographs import bundled_photograph
from patina.imaging.picture_files import write_picture

BUNDLED = ("astronaut", "chelsea", "coffee", "rocket", "camera", "coins", "brick", "grass", "gravel")
JPEGS = {
    "china": ("scikit_learn", "sklearn/datasets/images/china.jpg"),
    "flower": ("scikit_learn", "sklearn/datasets/images/flower.jpg"),
    "grace_hopper": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
}


def main() -> None:
    """Write the photographs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("-wheels", type=Path, help="folder of the packages' wheels")
    arguments = parser.parse_args()
    photographs = {name: bundled_photograph(name) for name in BUNDLED}
    if arguments.wheels is not None:
        photographs |= from_wheels(arguments.wheels)
    for name, pixels in photographs.items():
        write_picture(arguments.out / f"{name}.png", np.ascontiguousarray(pixels))


def from_wheels(folder: Path) -> dict[str, np.ndarray]:
    """Return the photographs inside the wheels."""
    found = {
        name: np.asarray(Image.open(io.BytesIO(member(folder, *place))).convert("RGB")) for name, place in JPEGS.items()
    }
    raccoon = bz2.decompress(member(folder, "scipy-1.9.3", "scipy/misc/face.dat"))
    found["raccoon"] = np.frombuffer(raccoon, np.uint8).reshape(768, 1024, 3)
    steps = np.uint8(pickle.loads(member(folder, "scipy-1.9.3", "scipy/misc/ascent.dat")))  # scipy's own file
    return found | {"ascent": steps.reshape(512, 512, 1).repeat(3, axis=2)}


def member(folder: Path, package: str, name: str) -> bytes:
    """Return a file inside a package's wheel."""
    [wheel] = folder.glob(f"{package}*.whl")
    return zipfile.ZipFile(wheel).read(name)


if __name__ == "__main__":
    main()
