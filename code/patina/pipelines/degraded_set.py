"""Degrade a folder of clean pictures by a recipe, and log everything that was drawn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from patina.degradations.execution import Engine
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError, require_range
from patina.imaging.sources import Source, folder_of, list_sources, refuse_same_folders, require_outside
from patina.pipelines.ray_cluster import Cluster, ClusterChoice
from patina.pipelines.recipe_choice import RecipeChoice, recipe_files, with_engine
from patina.pipelines.recipe_cluster import recipe_work, run_on_cluster
from patina.pipelines.recipe_job import Job, Made, PictureMaker
from patina.pipelines.set_draws import Draw, draw_entries, draw_frame
from patina.pipelines.set_log import COMMAND, SetDetails, begin_set, finish_set
from patina.pipelines.tar_output import one_sample_each, require_apart, write_tars
from patina.runs.folder_job import JobReport, output_names
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget
from patina.runs.worker_processes import checked_workers, kept_workers


@dataclass(frozen=True)
class DegradeRequest:
    """A folder of clean pictures to degrade, and how to do it.

    Attributes:
        recipe: the recipe.
        source: a folder of clean pictures, or one picture.
        out: output folder, where every variant has a folder; or a pattern of tars, see `TarTarget`.
        seed: seed of all draws.
        limit: number of pictures to take, from the first; None for all.
        recursive: include pictures in subfolders of `source`.
        ground_truth: folder for the clean pictures, cropped to multiples of the scale; `out` for the same tars; None
            to write none.
        workers: number of processes; None for one per core.
        device: for learned blocks.
        shard: the part of the pictures to degrade, into its own folders `out` and `ground_truth`; None for all.
        limits: when a tar is full.
        cluster: where to compute; None for this machine.
        all_frames: take all images of animated and multi-page files.
        clip: the folder's images are the frames of one clip, in natural order, which share their draws.
        drift: frames of a clip from one draw to the next, between which numbers change slowly; None draws once.
        images_only: keep the logs beside the folders; see `OutputFolder.open`.

    Raises:
        PatinaError: `limit` or `drift` is below 1.
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
    shard: Shard | None = None
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen
    cluster: ClusterChoice | None = None
    all_frames: bool = False
    clip: bool = False
    drift: int | None = None
    images_only: bool = False

    def __post_init__(self) -> None:
        for name, number in (("pictures", self.limit), ("drift", self.drift)):
            if number is not None:
                require_range(name, number, 1)


def degrade(request: DegradeRequest) -> JobReport[Made]:
    """Write the LQ pictures of a set, and their ground truth if requested, as PNG of the same bit depth.

    In tars, they are ``key.png``, or the pairs ``key.lq.png`` and ``key.gt.png``.

    Results that are up to date are not made again.

    Returns:
        The report; its results are what was written by this call.

    Raises:
        PatinaError: the recipe, a model, a folder or a setting cannot be used, or a folder holds results of another
            recipe, seed or model.
    """
    workers, target = checked_workers(request.workers), TarTarget.parse(request.out)
    plan = _planned(request, target)
    with plan.cluster() as cluster:
        run: Run = partial(_run_here, workers=workers) if cluster is None else partial(_run_on_cluster, cluster)
        if target is None:
            return _degrade(plan, run)
        is_paired = request.ground_truth is not None
        made_by = replace(plan.made_by, settings={**plan.made_by.settings, "gt": is_paired})
        places = plan.places_of_tars()
        make = partial(_degrade_part, replace(plan, request=replace(request, shard=None)), run, places)
        packing = one_sample_each(_pair if is_paired else None)
        with kept_workers(workers):
            return write_tars(
                target, made_by, [plan.pictures[place] for place in places], make,
                limits=request.limits, packing=packing, shard=request.shard,
            )  # fmt: skip


def _run_here(plan: "_Plan", jobs: Sequence[Job], record: Callable[[Made], None], *, workers: int) -> JobReport[Made]:
    return PictureMaker(plan.request.out, plan.recipe.scale, plan.engine, workers).run(jobs, COMMAND, record)


def _run_on_cluster(
    cluster: Cluster, plan: "_Plan", jobs: Sequence[Job], record: Callable[[Made], None]
) -> JobReport[Made]:
    return run_on_cluster(cluster, jobs, plan.request.out, plan.request.ground_truth, record)


def _degrade_part(plan: "_Plan", run: "Run", places: range, part: slice, folder: Path) -> JobReport[Made]:
    """Write the LQ pictures of some of the sources into a folder, and their ground truth into one beside it."""
    truth = None if plan.request.ground_truth is None else _truth_beside(folder)
    request = replace(plan.request, out=folder, ground_truth=truth, limit=None)
    return _degrade(replace(plan, request=request, part=places[part]), run)


def _pair(folder: Path, result: Result) -> Iterator[tuple[str, Path]]:
    """Yield both images of a pair; variants of a picture share its ground truth."""
    yield "lq.png", folder / result.output
    yield "gt.png", _truth_beside(folder) / Path(result.output).name


def _truth_beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-gt")


def _degrade(plan: "_Plan", run: "Run") -> JobReport[Made]:
    with plan.lq_folder() as folder, plan.ground_truth_folder() as ground_truth:
        todo = folder.outdated(plan.wanted())
        crops = ground_truth.outdated(plan.wanted_crops()) if ground_truth else []
        begin_set(folder, todo)
        if ground_truth:
            ground_truth.begin(crops)

        def record(made: Made) -> None:
            folder.record(entry.to_result() for entry in made.entries)
            if ground_truth and made.ground_truth:
                ground_truth.record([made.ground_truth])

        report = run(plan, plan.jobs(todo, crops), record)
        finish_set(folder)
        if ground_truth:
            ground_truth.finish()
    return report


@dataclass(frozen=True)
class _Plan:
    """A checked request.

    Attributes:
        request: the request.
        recipe: its recipe, with the models' values for knobs that it leaves open.
        engine: for steps that need one.
        pictures: all clean pictures, beyond the limit too.
        files: name of every picture's output file.
        part: places of the pictures to degrade; None for all up to the limit.
    """

    request: DegradeRequest
    recipe: Recipe
    engine: Engine | None
    pictures: list[Source]
    files: list[str]
    part: range | None = None

    def cluster(self) -> AbstractContextManager[Cluster | None]:
        """Open the cluster, if one is to be used."""
        request = self.request
        if request.cluster is None:
            return nullcontext()
        device = "cpu" if self.engine is None else request.device
        work = partial(recipe_work, self.recipe, request.device)
        return Cluster.connected(request.cluster, work, recipe_files(self.recipe), device=device)

    @property
    def made_by(self) -> MadeBy:
        """Everything that decides the LQ pictures."""
        settings = {"recipe": self.recipe.digest, "seed": self.request.seed, "scale": self.recipe.scale}
        if self.request.clip:
            settings |= {"clip": True, "drift": self.request.drift}
        notes = {"recipe": self.request.recipe.name}
        return MadeBy(COMMAND, settings, recipe_files(self.recipe), notes)

    def lq_folder(self) -> AbstractContextManager[OutputFolder]:
        """Open the folder of the LQ pictures."""
        return self._opened(self.request.out, self.made_by, SetDetails)

    def ground_truth_folder(self) -> AbstractContextManager[OutputFolder | None]:
        """Open the folder of the ground truth, if requested."""
        if self.request.ground_truth is None:
            return nullcontext()
        return self._opened(self.request.ground_truth, MadeBy(f"{COMMAND} -gt", {"multiple": self.recipe.scale}))

    def _opened(self, path: Path, made_by: MadeBy, details: Any = None) -> AbstractContextManager[OutputFolder]:
        source = folder_of(self.request.source)
        return OutputFolder.open(
            path, made_by, source=source, sources=self._sources, details=details, shard=self.request.shard,
            images_only=self.request.images_only,
        )  # fmt: skip

    def wanted(self) -> list[Wanted]:
        """Return all LQ pictures of the request."""
        outputs = self.request.recipe.outputs(self.recipe)
        return [
            Wanted(f"{folder}/{file}" if folder else file, picture.name, {"variant": variant})
            for index, picture, file in self._chosen
            for folder, variant in outputs.folders(self.recipe, index, picture, self.request.seed)
        ]

    def wanted_crops(self) -> list[Wanted]:
        """Return all ground-truth pictures of the request."""
        return [Wanted(file, picture.name) for _, picture, file in self._chosen]

    def places_of_tars(self) -> range:
        """Return the places of the pictures that tars are made of, of all or of the shard."""
        places, shard = range(len(self.pictures))[: self.request.limit], self.request.shard
        if shard is None:
            return places
        shard.part(self.pictures, self.request.source)  # refuses more shards than pictures
        return places[shard.index - 1 :: shard.count]

    @property
    def _chosen(self) -> list[tuple[int, Source, str]]:
        """The pictures to degrade, with their places and files."""
        places = range(len(self.pictures))[: self.request.limit] if self.part is None else self.part
        return [(place, self.pictures[place], self.files[place]) for place in places]

    @property
    def _sources(self) -> list[Source]:
        return self.pictures if self.part is None else [self.pictures[place] for place in self.part]

    def jobs(self, todo: Sequence[Wanted], crops: Sequence[Wanted]) -> list[Job]:
        """Return a job for every clean picture that has an LQ picture in `todo`, or ground truth in `crops`."""
        outputs: dict[str | None, list[tuple[str, str]]] = {item.source: [] for item in [*todo, *crops]}
        for item in todo:
            outputs[item.source].append((item.output, item.details["variant"]))
        place, seed = self.request.ground_truth, self.request.seed
        cropped = {} if place is None else {item.source: place / item.output for item in crops}
        return [
            Job(
                picture,
                partial(
                    draw_entries, draw=self._draw(number), source=picture.name, outputs=outputs[picture.name], seed=seed
                ),
                cropped.get(picture.name),
            )
            for number, picture, _ in self._chosen
            if picture.name in outputs
        ]

    def _draw(self, number: int) -> Draw:
        """Return what draws the plans of a picture by its place; the frames of a clip share theirs."""
        if not self.request.clip:
            return self.recipe.draw
        clip = folder_of(self.request.source).name
        return partial(draw_frame, self.recipe, clip=clip, number=number, drift=self.request.drift)


Run = Callable[[_Plan, Sequence[Job], Callable[[Made], None]], JobReport[Made]]
"""Runs the jobs of a plan, and records their results."""


def _planned(request: DegradeRequest, target: TarTarget | None) -> _Plan:
    """Check a request, and load the recipe's models last."""
    recipe = request.recipe.load()
    request.recipe.outputs(recipe)
    if request.drift is not None and not request.clip:
        raise PatinaError("-drift is for clips; for a folder of frames, add --clip")
    pictures = list_sources(request.source, request.recursive, "gt", request.all_frames)
    if target is None:
        refuse_same_folders(folder_of(request.source), request.out, request.ground_truth)
        for place in (request.out, request.ground_truth):
            if place is not None:
                require_outside(place, request.source, request.recursive)
    else:
        require_apart(target, request.source, request.recursive, pictures)
        if request.ground_truth not in (None, request.out):
            raise PatinaError(
                f"-gt is {request.ground_truth}; LQ and GT images lie in the same tars, expected {request.out}"
            )
    files = output_names(pictures, request.out)
    recipe, engine = with_engine(recipe, request.device)
    return _Plan(request, recipe, engine, pictures, files)
