"""Degrade clips by a recipe: one draw a clip, or parameters that drift, and new noise in every frame."""

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np

from patina.degradations.clip_plans import ClipPlans
from patina.degradations.execution import Engine, apply_plan
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError
from patina.imaging.sources import Source, folder_of
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.imaging.video_files import clip_frames, list_clips, require_video
from patina.pipelines.clip_job import make_clip, require_plain_folder
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.recipe_choice import recipe_files, with_engine
from patina.pipelines.recipe_job import Made, cropped_to_scale
from patina.pipelines.set_log import COMMAND, Entry, SetDetails, begin_set, finish_set
from patina.runs.fingerprint import digest_of, file_digest
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.journal import Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers


def degrade_anything(request: DegradeRequest) -> JobReport[Made]:
    """Degrade images, or clips where the source is a clip or a folder of clips without images.

    Raises:
        PatinaError: as `degrade`, or a setting is not for clips.
    """
    if request.source.exists() and (clips := list_clips(request.source)):
        return _degrade_clips(request, clips[: request.limit])
    return degrade(request)


def _degrade_clips(request: DegradeRequest, clips: list[Path]) -> JobReport[Made]:
    require_video()
    _require_fitting(request)
    recipe = request.recipe.load()
    outputs = request.recipe.outputs(recipe)
    recipe, engine = with_engine(recipe, request.device)
    sources = [Source(path, path.name) for path in clips]
    names = output_names(sources, request.out, ".mp4")
    settings = {"recipe": recipe.digest, "seed": request.seed, "scale": recipe.scale, "clips": True}
    settings |= {} if request.drift is None else {"drift": request.drift}
    made_by = MadeBy(COMMAND, settings, recipe_files(recipe), {"recipe": request.recipe.name})
    wanted = [
        Wanted(f"{folder}/{name}" if folder else name, source.name, {"variant": variant})
        for index, (source, name) in enumerate(zip(sources, names, strict=True))
        for folder, variant in outputs.folders(recipe, index, source, request.seed)
    ]
    source = folder_of(request.source)
    with OutputFolder.open(
        request.out, made_by, source=source, sources=sources, details=SetDetails, images_only=request.images_only
    ) as folder:
        todo = folder.outdated(wanted)
        begin_set(folder, todo)
        maker = _ClipMaker(recipe, engine, request, {source.name: source for source in sources})
        report = run_folder_job(
            todo, maker, description=COMMAND, name=lambda item: str(maker.sources[item.source].path),
            on_result=lambda made: folder.record(entry.to_result() for entry in made.entries),
        )  # fmt: skip
        finish_set(folder)
    return replace(report, noun="clip")


@dataclass(frozen=True)
class _ClipMaker:
    """Makes one clip at a time, on all cores."""

    recipe: Recipe
    engine: Engine | None
    request: DegradeRequest
    sources: dict[str | None, Source]

    def __call__(self, item: Wanted) -> Made:
        source, request, scale = self.sources[item.source], self.request, self.recipe.scale
        output, digest, lock = request.out / item.output, file_digest(source.path), Lock()
        first = cropped_to_scale(next(clip_frames(source.path)).pixels, scale, str(source.path))
        variant, size = item.details["variant"], (first.shape[0], first.shape[1])
        plans = ClipPlans(self.recipe, variant, size, request.seed, source.name, request.drift)

        def work(number: int, pixels: np.ndarray) -> np.ndarray:
            values, plan = to_values(cropped_to_scale(pixels, scale, str(source.path))), plans.of(number)
            if self.engine is None:
                return values_to_pixels(apply_plan(values, plan))
            with lock:  # a model works on one frame at a time
                return values_to_pixels(apply_plan(values, plan, self.engine))

        workers = checked_workers(request.workers)
        parts = digest_of(f"{digest} {item.output} {self.recipe.digest} {request.seed} {request.drift}".encode())
        make_clip(source.path, output, work, folder=request.out, digest=parts, workers=workers)
        return Made([Entry(item.output, source.name, digest, variant, size, plans.of(0), file_digest(output))])


def _require_fitting(request: DegradeRequest) -> None:
    if request.ground_truth is not None:
        raise PatinaError(
            "-gt applies to images only; crop the clips to multiples of the scale and use them as ground truth"
        )
    require_plain_folder(request.source, request.out, request.shard, request.cluster)
