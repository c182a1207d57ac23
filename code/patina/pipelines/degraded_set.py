"""Make LQ pictures of a folder of clean ones by a recipe, and write down all that was drawn."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.kernel_blur import KernelBlur
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError, require_range
from patina.imaging.sources import Source, folder_of, list_sources, require_outside
from patina.pipelines.recipe_choice import Outputs, RecipeChoice, with_engine
from patina.pipelines.recipe_job import COMMAND, Entry, Job, Made, PictureMaker, write_readable_log
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport, checked_workers, output_paths
from patina.runs.journal import Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder


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


def degrade(request: DegradeRequest) -> JobReport[Made]:
    """Make what is missing of a set, as PNG of the pictures' own bit depth.

    Returns:
        The report; its results are what was made now.

    Raises:
        PatinaError: anything that can be known to be wrong before the first picture is touched.
    """
    recipe, workers = request.recipe.load(), checked_workers(request.workers)
    outputs, pictures = request.recipe.outputs(recipe), _pictures(request)
    recipe, engine = with_engine(recipe, request.device)
    parts = _parts(request, recipe, outputs, pictures)
    with ExitStack() as stack:
        folders = [stack.enter_context(part.opened(request.source, pictures)) for part in parts]
        todo = [folder.outdated(part.wanted) for folder, part in zip(folders, parts, strict=True)]
        for folder, missing in zip(folders, todo, strict=True):
            folder.begin(missing)

        def record(made: Made) -> None:
            for folder, results in zip(folders, made.results, strict=False):  # without -gt there is one folder
                folder.record(results)

        maker = PictureMaker(request.out, recipe.scale, engine, workers)
        report = maker.run(_jobs(recipe, request.seed, pictures, todo, request.ground_truth), "degrade", record)
        write_readable_log(folders[0])
        for folder in folders:
            folder.finish()
    return report


@dataclass(frozen=True)
class _Part:
    """A folder of a set: that of the LQ pictures, or that of the cropped clean ones.

    Attributes:
        path: the folder.
        made_by: what decides the pictures in it.
        wanted: the pictures.
    """

    path: Path
    made_by: MadeBy
    wanted: list[Wanted]

    def opened(self, source: Path, pictures: Sequence[Source]) -> AbstractContextManager[OutputFolder]:
        """Open the folder for pictures of `source`."""
        return OutputFolder.open(self.path, self.made_by, source=folder_of(source), sources=pictures)


def _pictures(request: DegradeRequest) -> list[Source]:
    """List the clean pictures, having checked what can be checked before models are loaded."""
    if request.limit is not None:
        require_range("pictures", request.limit, 1)
    pictures = list_sources(request.source, request.recursive)
    _refuse_same_folders(folder_of(request.source), request.out, request.ground_truth)
    for place in (request.out, request.ground_truth):
        if place is not None:
            require_outside(place, request.source, request.recursive)
    return pictures


def _parts(request: DegradeRequest, recipe: Recipe, outputs: Outputs, pictures: Sequence[Source]) -> list[_Part]:
    """Return the set's folder and, where it is asked for, that of the ground truth."""
    files = output_paths(pictures, request.out)
    chosen = pictures[: request.limit]
    made_by = MadeBy(
        COMMAND,
        {"recipe": recipe.digest, "seed": request.seed, "scale": recipe.scale},
        _file_digests(recipe),
        {"recipe": request.recipe.name},
    )
    wanted = [
        Wanted(str(Path(place) / files[picture].name), picture.name, {"variant": variant})
        for index, picture in enumerate(chosen)
        for place, variant in outputs.folders(recipe, index, picture, request.seed)
    ]
    parts = [_Part(request.out, made_by, wanted)]
    if request.ground_truth is not None:
        crops = [Wanted(files[picture].name, picture.name) for picture in chosen]
        parts.append(_Part(request.ground_truth, MadeBy(f"{COMMAND} -gt", {"multiple": recipe.scale}), crops))
    return parts


def _jobs(
    recipe: Recipe, seed: int, pictures: Sequence[Source], todo: Sequence[Sequence[Wanted]], ground_truth: Path | None
) -> list[Job]:
    """Return a job for every picture of which something is to be made, in either folder."""
    outputs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item in todo[0]:
        outputs[item.source].append((item.output, item.details["variant"]))
    crops = {item.source: ground_truth / item.output for items in todo[1:] for item in items}
    return [
        Job(
            picture,
            partial(draw_entries, recipe=recipe, source=picture.name, outputs=outputs.get(picture.name, []), seed=seed),
            crops.get(picture.name),
        )
        for picture in pictures
        if picture.name in outputs or picture.name in crops
    ]


def draw_entries(
    size: Size, digest: str | None, *, recipe: Recipe, source: str, outputs: Sequence[tuple[str, str]], seed: int
) -> list[Entry]:
    """Draw what is to be done to one picture, `source` by name, for every (file, variant)."""
    plans = {variant: recipe.draw(variant, size, seed, source) for variant in {variant for _, variant in outputs}}
    return [Entry(file, source, digest, variant, size, plans[variant]) for file, variant in outputs]


def _file_digests(recipe: Recipe) -> dict[str, str]:
    """Return the digests of a recipe's files, models and kernels, by path."""
    files = [block.model for block in recipe.blocks_of(LearnedBlock)]
    files += [block.file for block in recipe.blocks_of(KernelBlur)]
    return {str(file): file_digest(file) for file in files}


def _refuse_same_folders(source: Path, out: Path, ground_truth: Path | None) -> None:
    places = {"source": source, "output": out, "gt": ground_truth}
    taken: dict[Path, str] = {}
    for name, place in places.items():
        if place is not None and (other := taken.setdefault(place.resolve(), name)) != name:
            raise PatinaError(f"{place}: {other} and {name} are the same folder; choose another")
