"""Make low-quality pictures of a folder of clean ones by a recipe, and write down all that was drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.blur import KernelBlur
from patina.degradations.compression import Jpeg
from patina.degradations.execution import Engine
from patina.degradations.recipe import MIXED, Recipe, require_models
from patina.errors import PatinaError, require_range
from patina.imaging.sources import Source, folder_of, list_sources, require_outside
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
from patina.settings import nearest
from patina.system.atomic import write_text
from patina.version import __version__

TRUTHS = ".truths.json"
"""The file in a folder of cropped clean pictures that says how they are cut."""

FileOf = tuple[str, str]
"""An output, from the set's folder, and its variant."""


@dataclass(frozen=True)
class Outputs:
    """Which outputs of which pictures are wanted: the variants, and the mixed folder."""

    variants: tuple[str, ...]
    mixed: bool

    def of(self, recipe: Recipe, index: int, source: Source, seed: int) -> list[tuple[str, str]]:
        """Return (folder, variant) of every output of picture number `index`."""
        found = [(variant, variant) for variant in self.variants]
        return found + ([(MIXED, recipe.variant_of(index, seed, source.name))] if self.mixed else [])

    def by_picture(
        self, recipe: Recipe, pictures: Sequence[Source], files: Mapping[Source, Path], seed: int
    ) -> dict[Source, list[FileOf]]:
        """Return the outputs of each picture; `files` give what they are called."""
        return {
            picture: [
                (str(Path(folder) / files[picture].name), variant)
                for folder, variant in self.of(recipe, index, picture, seed)
            ]
            for index, picture in enumerate(pictures)
        }


def degrade(
    recipe: Recipe,
    source: Path,
    out: Path,
    *,
    name: str,
    outputs: Outputs | None = None,
    seed: int = 0,
    limit: int | None = None,
    recursive: bool = False,
    ground_truth: Path | None = None,
    workers: int | None = None,
    device: str = "auto",
) -> JobReport[list[Entry]]:
    """Make what is missing of a set, as PNG of the pictures' own depth.

    Args:
        recipe: what to do.
        source: a folder, or one picture.
        out: a folder.
        name: of the recipe, for the log.
        outputs: None for all.
        seed: of all draws.
        limit: of pictures, the first ones; None for all.
        recursive: whether pictures in subfolders of `source` are taken, too.
        ground_truth: folder for the clean pictures, cropped to a multiple of the scale.
        workers: None for one a core.
        device: for learned blocks.

    Returns:
        The entries of each picture that was made now, and the failures.

    Raises:
        PatinaError: anything that can be known to be wrong before the first picture is touched.
    """
    workers = checked_workers(workers)
    require_models(recipe)
    if limit is not None:
        require_range("pictures", limit, 1)
    pictures = list_sources(source, recursive)
    folder = folder_of(source)
    _check_folders(folder, out, ground_truth)
    for place in (out, ground_truth) if ground_truth else (out,):
        require_outside(place, source, recursive)
    files = output_paths(pictures, out)
    recipe, engine = with_engine(recipe, device)
    header = Header(
        __version__, name, recipe.digest, seed, recipe.scale, str(folder.resolve()), digests_of_files(recipe)
    )
    wanted = (outputs or all_outputs(recipe)).by_picture(recipe, pictures[:limit], files, seed)
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


def chosen_outputs(recipe: Recipe, given: Sequence[str] | None) -> Outputs:
    """Return the outputs that ``-variant`` names.

    Raises:
        PatinaError: there is no such variant.
    """
    if given is None:
        return all_outputs(recipe)
    known = [*recipe.variants, *([MIXED] if recipe.mixed else [])]
    for name in given:
        if name not in known:
            text = nearest(name, known) if known else "the recipe has none"
            raise PatinaError(f"there is no variant {name!r}, {text}")
    return replace(all_outputs(recipe), variants=tuple(v for v in recipe.variants if v in given), mixed=MIXED in given)


def all_outputs(recipe: Recipe) -> Outputs:
    """Return all variants, and the mixed folder where the recipe has one."""
    return Outputs(recipe.names, recipe.mixed is not None)


def with_engine(recipe: Recipe, device: str) -> tuple[Recipe, Engine | None]:
    """Load the models of a recipe; return it completed, and an engine where its steps want one."""
    if not recipe.blocks_of(LearnedBlock) and all(block.codec != "torch" for block in recipe.blocks_of(Jpeg)):
        return recipe, None
    # What learned models need takes seconds to import, and classical recipes are done by then.
    from patina.specs.recipe_engine import recipe_engine

    return recipe_engine(recipe, device)


def digests_of_files(recipe: Recipe) -> dict[str, str]:
    """Return the digests of a recipe's files of models and kernels by path."""
    files = [block.model for block in recipe.blocks_of(LearnedBlock)]
    files += [block.file for block in recipe.blocks_of(KernelBlur)]
    return {str(file): file_digest(file) for file in files}


def longest_variant(recipe: Recipe) -> str:
    """Return the variant with the most blocks."""
    return max(recipe.names, key=lambda variant: len(recipe.sequence(variant)))


def _check_folders(source: Path, out: Path, ground_truth: Path | None) -> None:
    places = {"source": source, "output": out, "gt": ground_truth}
    taken: dict[Path, str] = {}
    for name, place in places.items():
        if place is None:
            continue
        if (other := taken.setdefault(place.resolve(), name)) != name:
            raise PatinaError(f"{place}: {other} and {name} are the same folder; choose another")
