"""Folder jobs on a Ray cluster (extra ``ray``): one actor per device, retries, and reports as in any folder job."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from patina.errors import PatinaError, counted, require_range
from patina.imaging.picture_files import picture_bytes
from patina.pipelines.ray_actor import Answer, ClusterItem, ClusterWork, ImageActor, Work
from patina.pipelines.ray_connection import connect, error_reason, ray_package
from patina.runs.folder_job import Attempts, JobReport, Outcome, attempt, reported
from patina.system.atomic import atomic_path
from patina.system.telling import tell

TRIES = 3
"""How many workers may die on an image before it counts as failed."""

_AHEAD = 2
"""Batches queued at an actor, so that it never waits for the next one."""

_WAITING_SECONDS = 30.0
_ENDED = "a worker of the cluster died; another one continues with its images"

R = TypeVar("R")


@dataclass(frozen=True)
class ClusterChoice:
    """How much of a cluster to use.

    Attributes:
        actors: maximum number of actors. None: one per GPU, or one per core if the cluster or the work has no GPU.
    """

    actors: int | None = None


@dataclass
class _Batch:
    indices: list[int]
    tries: int = 0


@dataclass(eq=False)
class _Actor:
    handle: Any
    load: int = 0
    is_trying: bool = False

    def takes(self, batch: _Batch) -> bool:
        """Whether it can take a batch. One whose actor died runs alone, so that no other batch is blamed."""
        return not self.is_trying and self.load < (1 if batch.tries else _AHEAD)


@dataclass
class Cluster:
    """A cluster with actors for one kind of work; made by `connected`.

    Attributes:
        ray: the package.
        choice: how much of the cluster to use.
        work: what the actors do.
        device: see `connected`.
    """

    ray: Any
    choice: ClusterChoice
    work: ClusterWork
    device: str
    _free: list[_Actor] = field(default_factory=list)
    _starting: dict[Any, _Actor] = field(default_factory=dict)
    _lost: int = 0
    _most: int = 0
    _options: dict[str, float] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def connected(cls, choice: ClusterChoice, work: Callable[[], Work], files: Mapping[str, str],
                  *, device: str) -> Iterator["Cluster"]:  # fmt: skip
        """Use the cluster at `RAY_ADDRESS` or running here; if there is none, start one on this machine's cores.

        The connection is made by the first call of `run` that has items.

        Args:
            choice: how much of it to use.
            work: see `ClusterWork.open`.
            files: see `ClusterWork.files`.
            device: device of the models: "auto", "cpu" or "cuda"; without models, "cpu".

        Raises:
            PatinaError: the package is missing, or there is no cluster at the address.
        """
        if choice.actors is not None:
            require_range("actors", choice.actors, 1)
        ray = ray_package()
        is_own = not ray.is_initialized()
        try:
            yield cls(ray, choice, ClusterWork(work, files, os.getcwd()), device)
        finally:
            if is_own and ray.is_initialized():
                ray.shutdown()

    def _begin(self) -> None:
        """Connect, unless that is done, and read the size of the cluster."""
        if self._most:
            return
        if not self.ray.is_initialized():
            connect(self.ray)
        resources = self.ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if self.device in ("auto", "cuda") else 0
        self._most = max(1, gpus or int(resources.get("CPU", 1)))
        if self.choice.actors is not None:
            self._most = min(self._most, self.choice.actors)
        self._options = {"num_cpus": 1, "num_gpus": 1 if gpus else 0, "max_restarts": 0}

    def run(
        self,
        items: Sequence[ClusterItem],
        places: Mapping[str, Path],
        *,
        description: str,
        on_result: Callable[[ClusterItem, Any], R],
        batch: int = 1,
    ) -> JobReport[R]:
        """Process all items; images that cannot be used are skipped and reported.

        Args:
            items: the images.
            places: final folders of the results, by their names in the work's folder.
            description: label of the progress bar.
            on_result: called with an item and its result once its files are written; returns what is reported.
            batch: number of images sent to an actor at a time.

        Raises:
            PatinaError: there is no cluster, or a worker cannot start or cannot use a model.
        """
        attempts = self._attempts(items, places, on_result, batch)
        return reported(attempts, items, description, str)

    def _attempts(
        self,
        items: Sequence[ClusterItem],
        places: Mapping[str, Path],
        on_result: Callable[[ClusterItem, Any], R],
        size: int,
    ) -> Attempts:
        if items:
            self._begin()
        indices = range(len(items))
        waiting = deque(_Batch(list(indices[start : start + size])) for start in range(0, len(items), size))
        running: dict[Any, tuple[_Actor, _Batch]] = {}
        shown = {name: str(path) for name, path in places.items()}
        while waiting or running:
            self._staff(len(waiting) + len(running))
            for actor in list(self._free):
                while waiting and actor.takes(waiting[0]):
                    batch = waiting.popleft()
                    contents = yield from _readable(batch, items)
                    if batch.indices:
                        chosen = [items[index] for index in batch.indices]
                        running[actor.handle.make.remote(chosen, contents, shown)] = actor, batch
                        actor.load += 1
                        actor.is_trying = batch.tries > 0
            for reference in self._done(list(running)):
                actor, batch = running.pop(reference)
                actor.load -= 1
                actor.is_trying = False
                if (answer := self._answer(reference, actor)) is None:
                    yield from _again(batch, waiting)
                else:
                    _write(answer, places)
                    for index, outcome in zip(batch.indices, answer.outcomes, strict=True):
                        if outcome.failure is None:
                            outcome = outcome._replace(result=on_result(items[index], outcome.result))
                        yield index, outcome

    def _done(self, running: list[Any]) -> list[Any]:
        """Wait until a batch is finished or an actor has started; return the finished batches."""
        if not running and not self._starting:
            return []
        done, _ = self.ray.wait([*running, *self._starting], num_returns=1, timeout=_WAITING_SECONDS)
        if not done and not running:
            tell("waiting for a free device of the cluster")
        for reference in [reference for reference in done if reference in self._starting]:
            self._started(reference)
        return [reference for reference in done if reference in running]

    def _staff(self, batches: int) -> None:
        """Start actors until every batch has one, up to the limit."""
        while len(self._free) + len(self._starting) < min(self._most, batches):
            actor = self.ray.remote(ImageActor).options(**self._options).remote()
            self._starting[actor.open.remote(self.work)] = _Actor(actor)

    def _started(self, reference: Any) -> None:
        actor = self._starting.pop(reference)
        try:
            if error := self.ray.get(reference):
                raise PatinaError(f"a worker of the cluster: {error}")
        except self.ray.exceptions.RayTaskError as error:
            raise PatinaError(
                f"a worker of the cluster cannot start ({error_reason(error)}); install the same Patina on all machines"
            ) from None
        except self.ray.exceptions.RayActorError as error:
            self._lost += 1
            tell(_ENDED)
            if self._lost > TRIES * self._most:
                raise PatinaError(
                    f"the workers of the cluster die while they start ({error_reason(error)}); install the same Patina "
                    "on all machines, and make sure that they have enough memory for the model"
                ) from None
            return
        self._free.append(actor)

    def _answer(self, reference: Any, actor: _Actor) -> Answer | None:
        """Return an actor's answer; None if the actor died, which gets no further batches."""
        try:
            answer: Answer = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise error.as_instanceof_cause() from None  # a mistake in the program, as it would end a local run
        except self.ray.exceptions.RayError:
            if actor in self._free:
                self._free.remove(actor)
                tell(_ENDED)
            return None
        if answer.error:
            raise PatinaError(f"a worker of the cluster: {answer.error}")
        return answer


def _readable(batch: _Batch, items: Sequence[ClusterItem]) -> Generator[tuple[int, Outcome], None, list[bytes]]:
    """Return the contents of a batch's images; report those that cannot be read, and remove them from the batch."""
    contents, left = list[bytes](), list[int]()
    for index in batch.indices:
        outcome = attempt(picture_bytes, items[index].source.path)
        if outcome.failure is None:
            contents.append(outcome.result)
            left.append(index)
        else:
            yield index, outcome
    batch.indices = left
    return contents


def _again(batch: _Batch, waiting: deque[_Batch]) -> Attempts:
    """Queue a batch again whose actor died; the second time image by image, to find the one that kills actors."""
    tries = batch.tries + 1
    if tries == 1:
        waiting.appendleft(_Batch(batch.indices, tries))
    elif tries < TRIES:
        waiting.extend(_Batch([index], tries) for index in batch.indices)
    else:
        for index in batch.indices:
            yield index, Outcome(None, f"{counted(TRIES, 'worker')} died on it, perhaps for lack of memory")


def _write(answer: Answer, places: Mapping[str, Path]) -> None:
    """Write the files of an answer, each whole or not at all."""
    for name, content in answer.files.items():
        place, _, file = name.partition("/")
        with atomic_path(places[place] / file) as temporary:
            temporary.write_bytes(content)
