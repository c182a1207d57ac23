"""Trainings that die: what was trained is saved first, and one line says why and what to do."""

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch

from patina.errors import PatinaError, told_system_error
from patina.runs.run_folder import RunFolder
from patina.system.atomic import write_text
from patina.system.lack_of_memory import LackOfMemory, is_lack_of_memory, recognising_lack_of_memory

_IN_WORKER = "DataLoader worker"
"""Part of all of torch's errors about processes that load images."""

_DIED = re.compile(r"killed by signal|exited unexpectedly")
_GONE = re.compile(r"/torch_\d+.*No such file")
"""A process that loads images died, so its part of the shared memory no longer exists."""

_SHARED_MEMORY = re.compile(r"shared memory|Bus error|shm_open|/torch_\d+", re.IGNORECASE)
_FEWER = "lower data.workers in the configuration (0 reads in the same process)"


ENDED_ELSEWHERE = "another process of this training ended"
"""What a process says that waits for one that has ended."""

_LOST = re.compile(r"[Gg]loo|NCCL|Connection (reset|closed|refused)|Broken pipe|process group")


class Diverged(PatinaError):
    """Too many steps were not finite; what was trained last is not worth saving."""


@contextmanager
def saved_before_errors(save: Callable[[], object]) -> Iterator[None]:
    """Save before an error ends the training.

    Raises:
        PatinaError: saving failed, too.
    """
    try:
        with recognising_lack_of_memory():
            yield
    except Diverged:
        raise
    except Exception as error:
        try:
            with recognising_lack_of_memory():
                save()
        except Exception as second:
            if reason(second) == reason(error):  # saving is what failed at first
                raise error from None
            raise PatinaError(f"{reason(error)}; saving failed, too: {reason(second)}") from error
        raise


@contextmanager
def told_in_one_line(folder: RunFolder) -> Iterator[None]:
    """Replace an error that is not Patina's own by one whose line says why, what to do and where training continues.

    The traceback of an unexpected error is written to ``error.txt`` in the folder of the run.

    Raises:
        PatinaError: instead of any other error.
    """
    try:
        with recognising_lack_of_memory():
            yield
    except PatinaError:
        raise
    except Exception as error:
        told = reason(error)
        if not is_foreseen(error):
            report = folder.path / "error.txt"
            with suppress(PatinaError, MemoryError):
                write_text(report, "".join(traceback.format_exception(error)))
                told += f" (unexpected; the traceback is in {report})"
        states = folder.states()
        saved = f"step {states[-1].stem} is saved, and the same command continues from there" if states else ""
        raise PatinaError(f"{folder.name}: {told}; {saved or 'nothing was trained yet'}") from error


def is_foreseen(error: Exception) -> bool:
    """Whether `reason` knows what the user can do about an error."""
    root = _root(error)
    return isinstance(root, PatinaError | OSError) or is_lack_of_memory(root) or is_lost(root) or _is_of_workers(root)


def _root(error: Exception) -> Exception:
    """Return the error that was met while memory was short, or the error itself if there is no such."""
    return error.__cause__ if isinstance(error, LackOfMemory) and isinstance(error.__cause__, Exception) else error


def is_lost(error: Exception) -> bool:
    """Whether an error says that another process of a training on several devices has ended."""
    return isinstance(error, RuntimeError) and torch.distributed.is_initialized() and bool(_LOST.search(str(error)))


def reason(error: Exception) -> str:
    """Return in one line why an error ends a training, and what to do if that is known."""
    root = _root(error)
    text = str(root)
    if isinstance(error, PatinaError):
        return text
    if is_lost(root):
        return ENDED_ELSEWHERE
    if _SHARED_MEMORY.search(text) and not _GONE.search(text):
        return f"the shared memory (/dev/shm) is too small for the processes that read images; enlarge it, or {_FEWER}"
    if _is_of_workers(root):
        return f"a process that reads images was killed, most likely for lack of memory; {_FEWER}"
    if isinstance(error, LackOfMemory) and _IN_WORKER in text:
        return f"a process that reads images needs more memory than there is; {_FEWER}"
    if isinstance(error, LackOfMemory):
        return (
            f"the training needs more memory than there is{_as_met(error)}; set accumulate to 2 or more for the same "
            "weights with less memory, lower data.batch or data.patch, or train in training.precision bf16-mixed "
            "(DeFlow: training.recompute everything)"
        )
    if isinstance(error, OSError) and error.strerror:
        return told_system_error(error)
    return f"{type(error).__name__}: {text.strip().splitlines()[-1] if text.strip() else 'without a message'}"


def _as_met(error: Exception) -> str:
    return f" ({error})" if isinstance(error, LackOfMemory) and str(error) else ""


def _is_of_workers(error: Exception) -> bool:
    text = str(error)
    return bool(_SHARED_MEMORY.search(text)) or (_IN_WORKER in text and bool(_DIED.search(text)))
