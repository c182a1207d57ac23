"""The pictures for `train --smoke`: crops of photographs that come with scikit-image."""

from pathlib import Path
from tempfile import TemporaryDirectory

from patina.imaging.picture_files import write_picture
from patina.pipelines.multiscale_set import prepare

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
"""Names of colour photographs in `skimage.data` that are part of its wheel."""

SCALES = (1, 2, 4, 8)
SIDE = 256


def ensure_smoke_pictures(folder: Path) -> None:
    """Write a multi-scale set of small photographs to `folder`, unless it exists."""
    if all((folder / f"{scale}x").is_dir() for scale in SCALES):
        return
    import skimage.data

    with TemporaryDirectory() as temporary:
        for name in PHOTOGRAPHS:
            pixels = getattr(skimage.data, name)()
            top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE) // 2
            write_picture(Path(temporary) / f"{name}.png", pixels[top : top + SIDE, left : left + SIDE])
        prepare(Path(temporary), folder, SCALES, workers=1)
