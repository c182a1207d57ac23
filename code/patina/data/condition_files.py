"""DeFlow's conditions on disk: the filters of h applied to a domain's images, computed once.

h maps an image to the low-resolution condition under which DeFlow models it (Wolf et al. 2021, arXiv 2101.05796).
"""

from pathlib import Path

import numpy as np

from patina.conditions.condition_map import ConditionMap
from patina.errors import PatinaError
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.imaging.value_spaces import to_eight_bit
from patina.runs.fingerprint import digest_if_readable
from patina.runs.folder_job import output_names, run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder


def prepare_conditions(images: Path, h: ConditionMap) -> Path:
    """Write the conditions of a folder's images beside it, or beside its tars; those of unchanged images are kept.

    An image that cannot be read is named and gets none; conditions of images that are gone are removed. A second
    process that wants the same conditions waits until they are made.

    Args:
        images: a folder of images, e.g. ``1x/`` of a set, or a scale of a set in stores.
        h: its filters before any noise are applied.

    Returns:
        The folder of conditions; `images` itself where h begins with noise.

    Raises:
        PatinaError: no picture can be read, or the sides of one are not multiples of h's scale.
    """
    if not h.whole_steps:
        return images
    beside = images if images.parent.is_dir() else images.parent.with_name(f"{images.parent.name}-{images.name}")
    out = beside.with_name(f"{beside.name}-h-{h.digest}")
    sources = list_sources(images)
    by_output = dict(zip(output_names(sources, out), sources, strict=True))

    def work(item: Wanted) -> Result:
        source = by_output[item.output]
        digest = digest_if_readable(source.path)
        write_picture(out / item.output, whole_condition(source.path, h))
        return Result(item.output, source.name, digest)

    made_by = MadeBy("train", {"h": h.digest})
    wanted = [Wanted(output, source.name) for output, source in by_output.items()]
    with OutputFolder.open(out, made_by, source=images, sources=sources, read_only=True) as folder:
        if len(folder.results) == len(wanted) and not folder.outdated(wanted):
            return out  # a set on a read-only medium can be trained on
    with OutputFolder.open(out, made_by, source=images, sources=sources, wait=True) as folder:
        folder.prune()
        todo = folder.outdated(wanted)
        folder.begin(todo)
        report = run_folder_job(
            todo, work, description="conditions", name=lambda item: str(by_output[item.output]),
            on_result=lambda made: folder.record([made]),
        )  # fmt: skip
        folder.finish()
    if len(report.failures) == len(sources):
        raise PatinaError(report.failures[0][1])
    report.print_summary()
    return out


def whole_condition(path: Path, h: ConditionMap) -> np.ndarray:
    """Apply the filters of h before any noise to a picture; return ``[h, w, 3]`` uint8.

    Raises:
        PatinaError: its sides are not multiples of h's scale.
    """
    pixels = to_eight_bit(read_picture(path, alpha="refuse").pixels)
    if any(length % h.whole_scale for length in pixels.shape[:2]):
        raise PatinaError(
            f"{path}: {pixels.shape[1]}x{pixels.shape[0]} pixels, expected multiples of {h.whole_scale} for this h; "
            "`patina prepare` crops them"
        )
    return h.whole(pixels)
