"""Jobs of `degrade` on a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from patina.degradations.execution import BATCH
from patina.degradations.recipe import Recipe
from patina.pipelines.ray_actor import ClusterItem
from patina.pipelines.ray_cluster import Cluster
from patina.pipelines.recipe_choice import with_engine
from patina.pipelines.recipe_job import Job, Made, PictureMaker
from patina.runs.folder_job import JobReport, Outcome

_LQ, _GT = "lq", "gt"


def recipe_work(recipe: Recipe, device: str) -> Callable[[Sequence[ClusterItem], Path], Iterator[Outcome]]:
    """Load a recipe's models in an actor, and return what makes its jobs.

    Args:
        recipe: the recipe, with all knobs.
        device: for learned blocks.
    """
    _, engine = with_engine(recipe, device)

    def work(items: Sequence[ClusterItem], out: Path) -> Iterator[Outcome]:
        jobs = [_placed(item, out) for item in items]
        yield from PictureMaker(out / _LQ, recipe.scale, engine, workers=1).attempts(jobs)

    return work


def run_on_cluster(
    cluster: Cluster, jobs: Sequence[Job], out: Path, ground_truth: Path | None, record: Callable[[Made], None]
) -> JobReport[Made]:
    """Run jobs as `PictureMaker.run` does.

    Args:
        cluster: whose work is `recipe_work`.
        jobs: the jobs.
        out: folder of the LQ pictures.
        ground_truth: folder of the cropped clean pictures; None if no job asks for one.
        record: called with the results of every job as soon as they are written.
    """
    places = {_LQ: out} if ground_truth is None else {_LQ: out, _GT: ground_truth}

    def on_result(_item: ClusterItem, made: Made) -> Made:
        record(made)
        return made

    items = [ClusterItem(job.source, job) for job in jobs]
    return cluster.run(items, places, description="degrade", on_result=on_result, batch=BATCH)


def _placed(item: ClusterItem, out: Path) -> Job:
    """Return a job with its source and its ground truth in the actor's folders."""
    job: Job = item.task
    truth = None if job.ground_truth is None else out / _GT / job.ground_truth.name
    return replace(job, source=item.source, ground_truth=truth)
