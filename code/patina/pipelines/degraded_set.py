"""Make low-quality pictures of a folder of clean ones by a recipe, and write down all that was drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.blur import KernelBlur
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError, require_range
from patina.imaging.sources import Source, folder_of, list_sources, require_outside
from patina.pipelines.recipe_choice import RecipeChoice, with_engine
from patina.pipelines.recipe_job import (
    Entry,
    Header,
    Job,
    append_entries,
    finish_log,
    is_made,
    open_log,
    run_jobs,
)
from patina.runs.fingerprint import KnownDigests, file_digest
from patina.runs.folder_job import JobReport, checked_workers, output_paths, refuse_strangers
from patina.system.atomic import write_text
from patina.version import __version__

TRUTHS = ".truths.json"
"""The file in a folder of cropped clean pictures that says how they are cut."""

FileOf = tuple[str, str]
"""An output, from the set's folder, and its variant."""


@dataclass(frozen=True)
class DegradeRequest:
    """What to degrade, and how.

    Attributes:
        recipe: what to do.
        source: a folder of clean pictures, or one picture.
        out: folder for the results.
        seed: of all draws.
        limit: take only the first so many pictures; None for all.
        recursive: whether pictures in subfolders of `source` are taken, too.
        ground_truth: folder for the clean pictures, cropped to a multiple of the scale; None for no such copies.
        workers: processes; None for one a core.
        device: for learned blocks.
    """

    recipe: RecipeChoice
    source: Path
    out: Path
    seed: int = 0
    limit: int | None = None
    recursive: bool = False
    ground_truth: Path | None = None
    workers: int | None = None
    device: str = "auto"


def degrade(request: DegradeRequest) -> JobReport[list[Entry]]:
    """Make what is missing of a set, as PNG of the pictures' own depth.

    Returns:
        The entries of each picture that was made now, and the failures.

    Raises:
        PatinaError: anything that can be known to be wrong before the first picture is touched.
    """
    out, ground_truth, seed = request.out, request.ground_truth, request.seed
    recipe = request.recipe.load()
    outputs = request.recipe.outputs(recipe)
    workers = checked_workers(request.workers)
    if request.limit is not None:
        require_range("pictures", request.limit, 1)
    pictures = list_sources(request.source, request.recursive)
    folder = folder_of(request.source)
    _check_folders(folder, out, ground_truth)
    for place in (out, ground_truth) if ground_truth else (out,):
        require_outside(place, request.source, request.recursive)
    files = output_paths(pictures, out)
    recipe, engine = with_engine(recipe, request.device)
    header = Header(
        __version__, request.recipe.name, recipe.digest, seed, recipe.scale, str(folder.resolve()),
        digests_of_files(recipe),
    )  # fmt: skip
    wanted = {
        picture: [
            (str(Path(place) / files[picture].name), variant)
            for place, variant in outputs.folders(recipe, index, picture, seed)
        ]
        for index, picture in enumerate(pictures[: request.limit])
    }
    truths = _Truths(ground_truth, {picture: files[picture].name for picture in wanted}, recipe.scale)
    own = (out / file for each in wanted.values() for file, _ in each)
    entries = open_log(out, header, own, {picture.name for picture in pictures})
    made = {entry.output: entry for entry in entries if is_made(entry, out)}
    known = KnownDigests(out)
    jobs: dict[Source, Job] = {}
    for picture, files_of in wanted.items():
        missing = _missing(picture, files_of, made, known)
        if missing or truths.lack(picture, known):
            plan = partial(draw_entries, recipe=recipe, source=picture.name, outputs=missing, seed=seed)
            jobs[picture] = Job(picture.path, plan, truths.paths.get(picture))

    def note(entries: list[Entry]) -> None:
        append_entries(out, entries)
        for entry in entries[:1]:  # all are of one picture
            picture = Source(folder / entry.source, entry.source)
            known.note(picture, entry.source_digest)
            truths.note(picture, entry.source_digest)

    report = run_jobs(
        list(jobs.values()), out, recipe.scale, engine, description="degrade", workers=workers, on_result=note
    )
    failed = {name for name, _ in report.failures}
    for picture in jobs:  # those of which the truth alone was missing have no entries
        if str(picture) not in failed:
            truths.note(picture, known.of(picture))
    known.tidy()
    truths.tidy()
    finish_log(out, header, [picture.name for picture in pictures])
    return report


class _Truths:
    """The clean pictures, cropped, in a folder of their own; without one there are none.

    Attributes:
        paths: of the files.
    """

    def __init__(self, folder: Path | None, names: Mapping[Source, str], scale: int):
        self.paths = {picture: folder / name for picture, name in names.items()} if folder else {}
        self._cut = KnownDigests(folder) if folder else None
        if folder:
            self._claim(folder / TRUTHS, scale)

    def _claim(self, statement: Path, scale: int) -> None:
        """State to multiples of what the pictures are cut; refuse a folder of others."""
        if not statement.is_file():
            refuse_strangers(self.paths.values())
            write_text(statement, json.dumps({"multiple": scale}) + "\n")
        elif json.loads(statement.read_text(encoding="utf-8")) != {"multiple": scale}:
            raise PatinaError(f"{statement.parent} holds clean pictures cut for another scale; choose another -gt")

    def lack(self, picture: Source, known: KnownDigests) -> bool:
        """Say whether the file is not there, or of what the picture does not hold any more."""
        if self._cut is None:
            return False
        return not (self.paths[picture].is_file() and known.hold(picture, self._cut.noted(picture)))

    def note(self, picture: Source, digest: str) -> None:
        """Keep of what the file is."""
        if self._cut is not None and self._cut.noted(picture) != digest:
            self._cut.note(picture, digest)

    def tidy(self) -> None:
        """Put what is kept in order."""
        if self._cut is not None:
            self._cut.tidy()


def _missing(
    picture: Source, outputs: Sequence[FileOf], made: Mapping[str, Entry], known: KnownDigests
) -> list[FileOf]:
    """Return the outputs that are not made, of this variant and of what the picture holds now."""
    digests = {made[file].source_digest for file, _ in outputs if file in made}
    kept = {digest for digest in digests if known.hold(picture, digest)}
    return [
        (file, variant)
        for file, variant in outputs
        if file not in made
        or (made[file].source, made[file].variant) != (picture.name, variant)
        or made[file].source_digest not in kept
    ]


def draw_entries(
    size: Size, digest: str, *, recipe: Recipe, source: str, outputs: Sequence[FileOf], seed: int
) -> list[Entry]:
    """Draw what is to be done to one picture, `source` by name, for each (file, variant)."""
    plans = {variant: recipe.draw(variant, size, seed, source) for variant in {variant for _, variant in outputs}}
    return [Entry(file, source, digest, variant, size, plans[variant]) for file, variant in outputs]


def digests_of_files(recipe: Recipe) -> dict[str, str]:
    """Return the digests of a recipe's files of models and kernels by path."""
    files = [block.model for block in recipe.blocks_of(LearnedBlock)]
    files += [block.file for block in recipe.blocks_of(KernelBlur)]
    return {str(file): file_digest(file) for file in files}


def _check_folders(source: Path, out: Path, ground_truth: Path | None) -> None:
    places = {"source": source, "output": out, "gt": ground_truth}
    taken: dict[Path, str] = {}
    for name, place in places.items():
        if place is None:
            continue
        if (other := taken.setdefault(place.resolve(), name)) != name:
            raise PatinaError(f"{place}: {other} and {name} are the same folder; choose another")
