"""Batches identified by their training step, so that a resumed run gets exactly the batches it would have had."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from torch.utils.data import Dataset, Sampler, default_collate

from patina.errors import PictureError
from patina.system.lack_of_memory import recognising_lack_of_memory

SUBSTITUTES = 16
"""Samples that are tried as a substitute for an unreadable one before its error is raised."""


class StepBatches(Sampler[list[tuple[int, int]]]):
    """A batch sampler that yields ``[(step, slot) for slot in slots]`` for each step.

    A data set whose samples are pure functions of (step, slot) then gives the same batches for any number of
    workers and after any interruption: ``DataLoader(dataset, batch_sampler=StepBatches(range(8), 1, 1000))``.

    Args:
        slots: the slots of every step that are wanted.
        first_step: the first step.
        last_step: the last step, included.
    """

    def __init__(self, slots: range, first_step: int, last_step: int) -> None:
        self.slots = slots
        self.steps = range(first_step, last_step + 1)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return ([(step, slot) for slot in self.slots] for step in self.steps)

    def __len__(self) -> int:
        return len(self.steps)


class Samples(Protocol):
    """Samples by (step, slot); a step has any number of slots."""

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return one sample."""


class ReadableSamples(Dataset[tuple[dict[str, Any], list[str]]]):
    """Samples by (step, slot); a later slot substitutes for a sample whose picture cannot be read.

    Substitutes are whole batches ahead, so a slot's position in its batch, and whatever depends on it, is kept. The
    choice depends on the files alone: resumed runs and any number of workers see the same samples.

    Args:
        samples: a data set that accepts any slot of a step.
        batch_size: slots in a step.
        collate: makes a batch of samples; None for torch's default.
    """

    def __init__(self, samples: Samples, batch_size: int, collate: Callable[[list[Any]], Any] | None = None) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self._collate = collate or default_collate

    def __getitem__(self, place: tuple[int, int]) -> tuple[dict[str, Any], list[str]]:
        """Return a sample, and a message for every picture that could not be read.

        Raises:
            PictureError: the first picture's, if none of `SUBSTITUTES` substitutes can be read either.
        """
        step, slot = place
        failures: list[PictureError] = []
        for ahead in range(SUBSTITUTES + 1):
            try:
                with recognising_lack_of_memory():
                    sample = self.samples[step, slot + ahead * self.batch_size]
                return sample, [str(failure) for failure in failures]
            except PictureError as error:
                failures.append(error)
        raise failures[0]

    def collate(self, items: list[tuple[Any, list[str]]]) -> tuple[Any, list[str]]:
        """Return the batch and all messages."""
        return self._collate([sample for sample, _ in items]), [line for _, lines in items for line in lines]
