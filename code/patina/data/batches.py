"""Batches named by their training step, so that a resumed run asks for exactly what it would have had."""

from collections.abc import Iterator

from torch.utils.data import Sampler


class StepBatches(Sampler[list[tuple[int, int]]]):
    """A batch sampler that yields ``[(step, 0), ..., (step, batch_size - 1)]`` for each step.

    A data set whose samples are pure functions of (step, slot) then gives the same batches for any number of
    workers and after any interruption: ``DataLoader(dataset, batch_sampler=StepBatches(8, 1, 1000))``.

    Args:
        batch_size: samples a step.
        first_step: the first step yielded.
        last_step: the last step yielded, itself included.
    """

    def __init__(self, batch_size: int, first_step: int, last_step: int) -> None:
        self.batch_size = batch_size
        self.steps = range(first_step, last_step + 1)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return ([(step, slot) for slot in range(self.batch_size)] for step in self.steps)

    def __len__(self) -> int:
        return len(self.steps)
