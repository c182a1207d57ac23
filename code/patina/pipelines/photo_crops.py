"""Crops of photos to learn from, and of others that are held out."""

from collections.abc import Sequence
from pathlib import Path

from patina.errors import PatinaError
from patina.fitting.measures import places_of_crops
from patina.imaging.picture_files import picture_size, read_picture, write_picture
from patina.imaging.sources import Source, list_sources
from patina.pipelines.recipe_fit import FitRequest
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.seeding import numpy_rng

HELD_OUT = 4
"""One photo of so many is held out."""

FEWEST = 8
"""Photos below which nothing can be held out."""

SIDE, COUNT = 512, 4
"""Side in pixels, and most crops of a photo."""


def held_out_photos(request: FitRequest, photos: Sequence[str] | None = None) -> tuple[list[str], list[str]]:
    """Divide photos into those that are held out and the others, at random.

    Args:
        request: names the folder and the seed.
        photos: names in the folder; None for all.

    Raises:
        PatinaError: there are fewer than `FEWEST`.
    """
    if photos is None:
        photos = [source.name for source in list_sources(request.real, request.recursive)]
    if len(photos) < FEWEST:
        raise PatinaError(
            f"{request.real}: {len(photos)} photos are too few for training and a held-out test; expected "
            f"{FEWEST} or more"
        )
    order = numpy_rng(request.seed, "held out").permutation(len(photos))
    count = max(FEWEST // 2, len(photos) // HELD_OUT)
    return [photos[place] for place in sorted(order[:count])], [photos[place] for place in sorted(order[count:])]


def write_crops(request: FitRequest, photos: Sequence[str], out: Path) -> None:
    """Write crops of photos as PNG, of the photos' depth; the blocks of a JPEG begin at the corner of each.

    Args:
        request: names the folder and the seed.
        photos: names in the folder.
        out: the folder to write to; crops that are there and whose photos have not changed are kept.

    Raises:
        PatinaError: a photo cannot be read, or the folder holds other images.
    """
    chosen = set(photos)
    sources = [source for source in list_sources(request.real, request.recursive) if source.name in chosen]
    made_by = MadeBy("fit", {"side": SIDE, "crops": COUNT, "seed": request.seed})
    wanted = {f"photo{number:04d}": source for number, source in enumerate(sources)}
    with OutputFolder.open(out, made_by, source=request.real, sources=sources) as folder:
        folder.prune()
        todo = folder.outdated([_wanted(stem, source) for stem, source in wanted.items()])
        folder.begin(todo)
        for item in todo:
            pixels = read_picture(wanted[item.output].path, alpha="refuse").pixels
            for file, (top, left) in zip(item.paths, _places(pixels.shape[0], pixels.shape[1]), strict=True):
                write_picture(out / file, pixels[top : top + SIDE, left : left + SIDE])
            digest = folder.source_digest(wanted[item.output].name)
            folder.record([Result(item.output, item.source, digest, files=item.files)])
        folder.finish()


def _wanted(stem: str, source: Source) -> Wanted:
    height, width = picture_size(source.path)
    files = [f"{stem}_{place}.png" for place in range(len(_places(height, width)))]
    return Wanted(stem, source.name, files=files)


def _places(height: int, width: int) -> list[tuple[int, int]]:
    return list(dict.fromkeys(places_of_crops(height, width, SIDE, COUNT)))
