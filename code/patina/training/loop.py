"""The training loop: next batch, step, log, validate, save; independent of the task."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from patina.errors import PatinaError, counted
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import NotFinitePixels
from patina.runs.run_folder import RunFolder
from patina.runs.run_log import RunLog, SilentLog
from patina.runs.run_models import BEST, FINAL
from patina.runs.watchers import WatcherName, open_watchers
from patina.seeding import seed_step
from patina.system.progress import progress, show_numbers, tell_beside, tell_numbers, time_left
from patina.system.telling import tell, warn
from patina.training.batch_parts import Batch, BatchParts
from patina.training.best_model import NO_COMPARISON, Comparison, ComparisonPlan
from patina.training.compiling import eager
from patina.training.diagnosis import first_not_finite
from patina.training.failures import Diverged, saved_before_errors, told_in_one_line
from patina.training.interruption import interruption
from patina.training.loader import loaded_batches
from patina.training.meter import Meter, mean_of_all
from patina.training.pace import Pace
from patina.training.processes import any_process, from_all
from patina.training.task import Task, Validation
from patina.training.updates import NotFinite


@dataclass(frozen=True)
class LoopPlan:
    """How long to train and how often to log, validate and save; all counts are training steps.

    Attributes:
        steps: number of steps.
        log_every, validate_every, save_every: steps between log lines, validations and saved states.
        keep_states: number of most recent training states kept.
        max_not_finite: number of skipped steps after which the run stops with an error.
        workers: processes that read pictures.
        seed: seed of all random numbers.
        epoch: steps per epoch to name model files by epoch, or None.
        accumulate: parts in which each process computes its part of a batch, one after the other.
        keep_models: number of most recent models of steps kept; None for all.
        comparison: how validations are compared.
        watch: services in which the training is watched, beside TensorBoard.
    """

    steps: int
    log_every: int
    validate_every: int
    save_every: int
    keep_states: int
    max_not_finite: int
    workers: int
    seed: int
    epoch: int | None = None
    accumulate: int = 1
    keep_models: int | None = None
    comparison: ComparisonPlan = NO_COMPARISON
    watch: tuple[WatcherName, ...] = ()

    def label(self, step: int) -> int | str:
        """Return the name of the model after a step: the epoch at the end of an epoch, otherwise the step."""
        return f"epoch-{step // self.epoch}" if self.epoch and step % self.epoch == 0 else step


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
    state = fabric.broadcast(folder.load_last_state() if is_lead else None)
    step = skipped = 0
    say = warn if is_lead else _say_nothing
    comparison = Comparison(plan.comparison)
    if state is not None:
        _load(task, comparison, state, folder)
        step, skipped = state["step"], state["skipped"]
    validation_is_due = state is not None and state.get("validation_is_due", False)
    unwritten = state.get("unwritten", []) if state is not None else []
    if (step >= plan.steps or comparison.has_stopped) and not validation_is_due and not unwritten:
        if is_lead and not folder.models_of(FINAL):
            _save_final(task, comparison, step, folder)
        return True
    if is_lead:
        begin()
    log: RunLog = SilentLog()
    if is_lead:
        watchers = open_watchers(plan.watch, folder.path, folder.name)
        log = RunLog(folder.path, folder.name, step, unwritten, watchers)
    if step:
        log.event(step, "resumed")
        if is_lead:
            tell(f"{folder.name}: continues from step {step}")
    meter = Meter()
    unreadable: dict[str, int] = {}

    def save() -> None:
        # Weights of a step that failed halfway through their update would not continue as an uninterrupted run.
        if is_lead and step and not task.has_begun(step + 1):
            # The state is written last: if it exists, so do all other files of its step.
            if step == plan.steps or comparison.has_stopped:
                _save_final(task, comparison, step, folder)
            else:
                _save_model(task, folder.model_path(plan.label(step)), step)
            values = {"task": task.state(), "skipped": skipped, "validation_is_due": validation_is_due}
            values |= {"comparison": comparison.state(), "unwritten": log.unwritten}
            folder.save_state(step, values, plan.keep_states)
            folder.remove_older_models(plan.keep_models, plan.epoch)
            folder.mirror.send()

    def keep_best() -> None:
        if is_lead:
            _save_model(task, folder.model_path(BEST), step)

    def validate() -> tuple[dict[str, float], str]:
        nonlocal validation_is_due
        found = _validate(task, plan, step, folder)
        for name, pixels in found.pictures.items() if is_lead else ():
            write_picture(folder.preview_path(step, name), pixels)
            log.picture(step, name, pixels)
        best = comparison.see(step, from_all(fabric, found.scalars)[0], keep_best)
        validation_is_due = False  # what was not written until here is made again by the next call
        log.write("valid", step, found.scalars)
        if best:
            log.event(step, best)
        return found.scalars, ", the best so far" if best else ""

    def tell_unreadable(failures: dict[str, int]) -> None:
        for failure, at in failures.items():
            if failure not in unreadable:
                unreadable[failure] = at
                log.event(at, f"skipped: {failure}")
                say(f"{failure}; training continues without it")

    if validation_is_due:  # it could not be written, on a full disk for example
        validate()
        save()
        if step >= plan.steps or comparison.has_stopped:
            log.close()
            return True

    with (
        interruption(alone=fabric.world_size == 1) as interrupted,
        saved_before_errors(save),
        closing(loaded_batches(task, range(step + 1, plan.steps + 1), plan.workers, fabric, interrupted)) as batches,
        progress(batches, folder.name, total=plan.steps, unit="step", initial=step, has_lines=False) as bar,
    ):
        pace = Pace(folder.name, plan.steps, step, not bar.disable, partial(tell_beside, bar))
        for batch, failures in bar:
            tell_unreadable(dict.fromkeys(failures, step + 1))
            if step == 0:
                seed_step(plan.seed, "start")
                task.start(batch)

            # Train.
            seed_step(plan.seed, "step", step + 1)
            try:
                meter.add(task.training_step(batch, step + 1))
            except NotFinite as problem:
                skipped += 1
                _report_not_finite(task, plan, batch, step + 1, skipped, problem, log, say)
            step += 1
            pace.after(step)

            # Log, validate, save.
            last = step == plan.steps
            validation_is_due = step % plan.validate_every == 0 or last
            if meter.steps and (step % plan.log_every == 0 or last):
                means = mean_of_all(from_all(fabric, meter.means()))
                for others in from_all(fabric, unreadable):
                    tell_unreadable(others)
                log.write("train", step, means)
                left = time_left(plan.steps - step, means["steps_per_second"])
                show_numbers(bar, f"{folder.name}, step {step} of {plan.steps}, {left} left", means)
                pace.heard()
            if validation_is_due:
                measured, rank = validate()
                if measured:
                    tell_numbers(bar, f"{folder.name}, validation at step {step}{rank}", measured)
                last = last or comparison.has_stopped
            if step % plan.save_every == 0 or last:
                save()
            if comparison.has_stopped:
                log.event(step, comparison.why_stopped)
                if is_lead:
                    tell(f"{folder.name}: {comparison.why_stopped}")
            if any_process(fabric, bool(interrupted)) or last:
                break
        if step < plan.steps and not comparison.has_stopped:
            save()
            log.event(step, "interrupted")
            if is_lead:
                tell(f"{folder.name}: stopped at step {step}; the same command continues")
    log.close()
    if unreadable:
        say(f"{folder.name}: skipped {counted(len(unreadable), 'image')} that could not be read")
    return step >= plan.steps or comparison.has_stopped


def _load(task: Task, comparison: Comparison, state: dict[str, Any], folder: RunFolder) -> None:
    try:
        task.load_state(state["task"])
        comparison.load_state(state.get("comparison", {}))
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise PatinaError(
            f"{folder.path}: the saved training state does not fit this configuration; give the run another name, "
            "or remove the folder to train from the start"
        ) from error
    if not folder.models_of(BEST):
        comparison.forget_best()


def _save_final(task: Task, comparison: Comparison, step: int, folder: RunFolder) -> None:
    """Write the result of the training: its best model if it may end early, else the model of this step."""
    if comparison.ends_with_best:
        folder.copy_model(BEST, FINAL)
    else:
        _save_model(task, folder.model_path(FINAL), step)


def _save_model(task: Task, path: Path, step: int) -> None:
    with task.evaluated_weights():
        task.save_model(path, step)


def _validate(task: Task, plan: LoopPlan, step: int, folder: RunFolder) -> Validation:
    seed_step(plan.seed, "validation")
    with eager(task.networks.values()), task.evaluated_weights():
        try:
            return task.validate()
        except NotFinitePixels as error:
            told = f"{folder.name}: the network gave no image in the validation of step {step}: {error}"
            raise PatinaError(f"{told}; lower the learning rate, and train again under another name") from error


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
