"""The training loop: next batch, step, log, validate, save; independent of the task."""

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import cast

from lightning_fabric import Fabric
from tqdm import tqdm

from patina.errors import counted
from patina.runs.run_folder import RunFolder
from patina.runs.run_log import RunLog
from patina.runs.run_models import FINAL
from patina.seeding import seed_step
from patina.system.progress import progress, show_numbers, tell_beside, tell_numbers, time_left
from patina.system.telling import tell, warn
from patina.training.batch_parts import Batch, BatchParts
from patina.training.compiling import eager
from patina.training.course import Course
from patina.training.diagnosis import first_not_finite
from patina.training.failures import Diverged, saved_before_errors, told_in_one_line
from patina.training.interruption import interruption
from patina.training.loader import Loaded, loaded_batches
from patina.training.loop_plan import LoopPlan
from patina.training.pace import Pace
from patina.training.processes import any_process, from_all
from patina.training.task import Task
from patina.training.updates import NotFinite


def train(
    task: Task, plan: LoopPlan, folder: RunFolder, fabric: Fabric, begin: Callable[[], None] = lambda: None
) -> bool:
    """Train until `plan.steps` or until nothing improves; continue from the last saved state in `folder`, if any.

    Ctrl-C finishes the current step, saves and returns; the next call continues from there. Unreadable pictures are
    reported and skipped. Whatever error ends the training, its state is saved first.

    Args:
        task: the task to train.
        plan: length and intervals of the training.
        folder: folder of the run.
        fabric: device, precision and processes. Rank 0 alone reads and writes the folder, and calls `begin`.
        begin: called before the first step; not called if no steps are left.

    Returns:
        True if the training is finished, False if it was interrupted.

    Raises:
        PatinaError: a validation picture or too many training pictures cannot be read, too many steps were not
            finite, or memory ran out; any other error, too, arrives as one, with the traceback in ``error.txt``.
    """
    with told_in_one_line(folder):
        return _train(task, plan, folder, fabric, begin)


def _train(task: Task, plan: LoopPlan, folder: RunFolder, fabric: Fabric, begin: Callable[[], None]) -> bool:
    """Train; arguments, result and errors as in `train`."""
    # Start, or continue from the last state.
    is_lead = fabric.global_rank == 0
    task.parts = BatchParts(fabric, plan.accumulate)
    task.parts.require_divisible(task.batch_size, task.part_multiple)
    task.setup(fabric)
    course = Course(task, plan, folder, fabric)
    say = warn if is_lead else _say_nothing
    if course.is_finished and not course.owes:
        if is_lead and not folder.models_of(FINAL):
            course.save_final()
        return True
    if is_lead:
        begin()
    course.open_log()
    log = course.log
    if course.step:
        log.event(course.step, "resumed")
        if is_lead:
            tell(f"{folder.name}: continues from step {course.step}")
    if course.owes:
        course.make_up()
        if course.is_finished:
            log.close()
            return True
    unreadable: dict[str, int] = {}

    def tell_unreadable(failures: dict[str, int]) -> None:
        for failure, at in failures.items():
            if failure not in unreadable:
                unreadable[failure] = at
                log.event(at, f"skipped: {failure}")
                say(f"{failure}; training continues without it")

    remaining = range(course.step + 1, plan.steps + 1)
    with (
        interruption(alone=fabric.world_size == 1) as interrupted,
        saved_before_errors(course.save_alone),
        closing(loaded_batches(task, remaining, plan.workers, fabric, interrupted)) as batches,
        progress(batches, folder.name, total=plan.steps, unit="step", initial=course.step, has_lines=False) as bar,
        closing(_iterator(bar)) as shown,
    ):
        pace = Pace(folder.name, plan.steps, course.step, not bar.disable, partial(tell_beside, bar))
        for step, (batch, failures) in zip(remaining, shown, strict=False):
            tell_unreadable(dict.fromkeys(failures, step))
            if step == 1:
                seed_step(plan.seed, "start")
                task.start(batch)

            # Train.
            seed_step(plan.seed, "step", step)
            try:
                numbers = task.training_step(batch, step)
            except NotFinite as problem:
                _report_not_finite(task, plan, batch, step, course.skipped + 1, problem, log, say)
                numbers = None
            course.took_step(numbers)
            pace.after(step)

            # Log, validate, save.
            if course.numbers_are_due:
                for others in from_all(fabric, unreadable):
                    tell_unreadable(others)
                means = course.log_numbers()
                left = time_left(plan.steps - step, means["steps_per_second"])
                show_numbers(bar, f"{folder.name}, step {step} of {plan.steps}, {left} left", means)
                pace.heard()
            if course.validation_is_due:
                measured, rank = course.validate()
                if measured:
                    tell_numbers(bar, f"{folder.name}, validation at step {step}{rank}", measured)
            if course.is_at_save:
                course.save()
            if course.comparison.has_stopped and is_lead:
                tell(f"{folder.name}: {course.comparison.why_stopped}")
            if any_process(fabric, bool(interrupted)) or course.is_finished:
                break
        if not course.is_finished:
            course.save()
            log.event(course.step, "interrupted")
            if is_lead:
                tell(f"{folder.name}: stopped at step {course.step}; the same command continues")
    log.close()
    if unreadable:
        say(f"{folder.name}: skipped {counted(len(unreadable), 'image')} that could not be read")
    return course.is_finished


def _iterator(bar: "tqdm[Loaded]") -> Generator[Loaded, None, None]:
    """Return a bar's iterator, to be closed: the garbage collector prints the errors of those that it closes."""
    return cast(Generator[Loaded, None, None], iter(bar))


def _report_not_finite(
    task: Task,
    plan: LoopPlan,
    batch: Batch,
    step: int,
    skipped: int,
    problem: NotFinite,
    log: RunLog,
    say: Callable[[str], None],
) -> None:
    def again() -> None:
        seed_step(plan.seed, "step", step)
        task.probe(batch)

    with eager(task.networks.values()):
        layer = first_not_finite(task.networks, again)
    where = f"first in {layer}" if layer else "every layer's output is finite"
    message = f"step {step}: {problem}, {where}; step skipped"
    log.event(step, message)
    say(message)
    if skipped >= plan.max_not_finite:
        log.close()
        raise Diverged(
            f"{message}. {skipped} steps were skipped (max_not_finite): lower the learning rate, clip gradients, "
            "or train in precision 32"
        )


def _say_nothing(message: str) -> None:
    """Leave it to rank 0."""
