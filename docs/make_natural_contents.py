"""Measure how natural images differ, for `patina fit`: python docs/make_natural_contents.py FOLDER [FOLDER ...].

The file that comes with Patina was made from the 300 training and validation images of BSDS500, at half size. Make it
again when the measures of `patina.fitting.measures` change.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from patina.fitting.contents import NaturalContents
from patina.fitting.measures import crops_of, measure
from patina.fitting.synthesis import clean_crops, undegraded
from patina.imaging.picture_files import read_picture
from patina.imaging.sources import list_sources

TARGET = Path(__file__).parents[1] / "code" / "patina" / "fitting" / "natural_contents.npz"
SCALE = 2
"""At half size the images are sharp and free of compression."""


def main() -> None:
    """Measure all images of the folders, and write the file."""
    sources = [source for folder in sys.argv[1:] for source in list_sources(Path(folder))]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.npy" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            np.save(file, clean_crops(read_picture(source.path).pixels, SCALE))
        names = tuple(measure(crops_of(read_picture(sources[0].path).pixels)))
        found = NaturalContents.measured(names, undegraded(SCALE, names, files, workers=0))
    np.savez(TARGET, names=found.names, factors=found.factors, rest=found.rest)
    print(f"{TARGET}: {len(sources)} images, {len(names)} measures")


if __name__ == "__main__":
    main()
