"""How far a training has come: its numbers, its validations and its files, between any two steps."""

from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from patina.errors import PatinaError
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import NotFinitePixels
from patina.runs.run_folder import RunFolder
from patina.runs.run_log import RunLog, SilentLog
from patina.runs.run_models import BEST, FINAL
from patina.runs.watchers import open_watchers
from patina.seeding import seed_step
from patina.training.best_model import Comparison
from patina.training.compiling import eager
from patina.training.loop_plan import LoopPlan
from patina.training.meter import Meter, mean_of_all
from patina.training.processes import from_all
from patina.training.task import Task, Validation


class Course:
    """The course of a training, independent of how a step is taken.

    An error may end it anywhere. What is due after a step (a line of the log, a validation) stays due until it is
    done, and only then counts as done: a resumed training does it again, to the same end.

    Args:
        task: the task, set up.
        plan: length and intervals of the training.
        folder: folder of the run; rank 0 alone reads and writes it.
        fabric: device and processes.

    Attributes:
        step: the last step that was taken or skipped.
        skipped: number of steps skipped.
        validation_is_due: whether the validation of the last step is still to be done.
        comparison: the validations so far.
        log: the run's; silent until `open_log`.

    Raises:
        PatinaError: the last state cannot be read, or does not fit the configuration.
    """

    def __init__(self, task: Task, plan: LoopPlan, folder: RunFolder, fabric: Fabric):
        self._task, self._plan, self._folder, self._fabric = task, plan, folder, fabric
        self._is_lead = fabric.global_rank == 0
        self._planned = 0  # the last step at which the plan saved
        self._unwritten: list[dict[str, Any]] = []
        self.step = self.skipped = 0
        self.validation_is_due = False
        self.comparison = Comparison(plan.comparison)
        self.meter = Meter()
        self.log: RunLog = SilentLog()
        state = fabric.broadcast(folder.load_last_state() if self._is_lead else None)
        if state is not None:
            self._load(state)

    def _load(self, state: dict[str, Any]) -> None:
        try:
            self._task.load_state(state["task"])
            self.comparison.load_state(state["comparison"])
            self.meter.load_state(state["meter"])
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise PatinaError(
                f"{self._folder.path}: the saved training state does not fit this configuration; give the run another "
                "name, or remove the folder to train from the start"
            ) from error
        if not self._folder.models_of(BEST):
            self.comparison.forget_best()
        self.step, self.skipped, self.validation_is_due = state["step"], state["skipped"], state["validation_is_due"]
        self._planned = self.step if state["planned"] is None else state["planned"]
        self._unwritten = state["unwritten"]
        if self._is_lead:
            self._tidy()

    @property
    def is_finished(self) -> bool:
        """Whether no step is left, or nothing improves any more."""
        return self.step >= self._plan.steps or self.comparison.has_stopped

    @property
    def numbers_are_due(self) -> bool:
        """Whether the numbers up to the last step are still to be logged."""
        is_at_line = self.step % self._plan.log_every == 0 or self.step == self._plan.steps
        return bool(self.meter.steps) and is_at_line

    @property
    def owes(self) -> bool:
        """Whether something is due that an earlier call did not get done, on a full disk for example."""
        return self.validation_is_due or self.numbers_are_due or bool(self._unwritten)

    @property
    def is_at_save(self) -> bool:
        """Whether the plan saves after the last step."""
        return self.is_finished or self.step % self._plan.save_every == 0

    def open_log(self) -> None:
        """Open the run's log, from the last step on."""
        if self._is_lead:
            watchers = open_watchers(self._plan.watch, self._folder.path, self._folder.name)
            self.log = RunLog(self._folder.path, self._folder.name, self.step, self._unwritten, watchers)

    def make_up(self) -> None:
        """Do what an earlier call did not get done."""
        if self.numbers_are_due:
            self.log_numbers()
        if self.validation_is_due:
            self.validate()
        self.save()
        self._unwritten = []

    def took_step(self, numbers: dict[str, float] | None) -> None:
        """Count a step, with its numbers to log, or as a skipped one without."""
        step = self.step + 1
        skipped = self.skipped + (numbers is None)
        is_validated = step % self._plan.validate_every == 0 or step == self._plan.steps
        if numbers is not None:
            self.meter.add(numbers)
        self.step, self.skipped, self.validation_is_due = step, skipped, is_validated

    def log_numbers(self) -> dict[str, float]:
        """Log the means of the numbers since the last line, of all processes, and return them."""
        means = mean_of_all(from_all(self._fabric, self.meter.means()))
        self.log.write("train", self.step, means)
        self.meter.reset()
        return means

    def validate(self) -> tuple[dict[str, float], str]:
        """Validate, compare and log; return what was measured, and words if it is the best so far.

        Raises:
            PatinaError: an image cannot be read, or the network gave none.
        """
        found, step = self._measured(), self.step
        for name, pixels in found.pictures.items() if self._is_lead else ():
            write_picture(self._folder.preview_path(step, name), pixels)
            self.log.picture(step, name, pixels)
        seen = copy(self.comparison)
        best = seen.see(step, from_all(self._fabric, found.scalars)[0], self._keep_best)
        events = ([best] if best else []) + ([seen.why_stopped] if seen.has_stopped else [])
        self.log.write("valid", step, found.scalars, events)
        self.comparison, self.validation_is_due = seen, False
        return found.scalars, ", the best so far" if best else ""

    def _measured(self) -> Validation:
        seed_step(self._plan.seed, "validation")
        with eager(self._task.networks.values()), self._task.evaluated_weights():
            try:
                return self._task.validate()
            except NotFinitePixels as error:
                told = f"{self._folder.name}: the network gave no image in the validation of step {self.step}: {error}"
                raise PatinaError(f"{told}; lower the learning rate, and train again under another name") from error

    def save(self) -> None:
        """Save in all processes together."""
        self.meter.join(partial(from_all, self._fabric))
        self.save_alone()

    def save_alone(self) -> None:
        """Save what rank 0 has, if this is rank 0; others need not take part, as one may have ended.

        Where the plan does not save, because an error or Ctrl-C ends the training, model and state stay until the plan
        saves next.
        """
        # Weights of a step that failed halfway through their update would not continue as an uninterrupted run.
        if not self._is_lead or not self.step or self._task.has_begun(self.step + 1):
            return
        # The state is written last: if it exists, so do all other files of its step.
        if self.is_finished:
            self.save_final()
            self._folder.remove_models_of(self._plan.label(self.step))
        else:
            self._save_model(self._folder.model_path(self._plan.label(self.step)))
        planned = self.step if self.is_at_save else self._planned
        values = {"task": self._task.state(), "skipped": self.skipped, "validation_is_due": self.validation_is_due}
        values |= {"comparison": self.comparison.state(), "meter": self.meter.state()}
        self._folder.save_state(self.step, values | {"unwritten": self.log.unwritten, "planned": planned})
        self._tidy()
        self._planned = planned
        self._folder.mirror.send()

    def _tidy(self) -> None:
        """Remove the models and states that an uninterrupted training would not have kept."""
        self._folder.remove_between(self._planned, self.step, self._plan.epoch)
        if self.is_at_save:
            self._folder.remove_older(self._plan.keep_states, self._plan.keep_models, self._plan.epoch)

    def save_final(self) -> None:
        """Write the result of the training: its best model if it may end early, else the model of this step."""
        if self.comparison.ends_with_best:
            self._folder.copy_model(BEST, FINAL)
        else:
            self._save_model(self._folder.model_path(FINAL))

    def _keep_best(self) -> None:
        if self._is_lead:
            self._save_model(self._folder.model_path(BEST))

    def _save_model(self, path: Path) -> None:
        with self._task.evaluated_weights():
            self._task.save_model(path, self.step)
