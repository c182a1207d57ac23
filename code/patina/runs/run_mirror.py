"""The copy of a training's folder at an address: fetched before the training, sent whenever it has saved.

The folder on this machine is what the training works with. A copy that cannot be sent is sent with the next state.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from patina.errors import PatinaError, told_system_error
from patina.system.place_paths import remote_of
from patina.system.places import LISTS, WorkingPlace
from patina.system.remote_files import Unreachable
from patina.system.telling import tell, warn

CLEAN_IMAGES, SETS = "clean_images", "sets"
"""Folders within that of the run for what its `data.clean_recipe` makes, the same on every machine."""

MADE_AGAIN = frozenset({CLEAN_IMAGES, SETS})
"""Those of its folders that are not sent."""


class RunMirror:
    """The copy of a run's folder; does nothing if the folder is of this machine alone.

    Images that can be made again are not in the copy.

    Args:
        folder: the run's folder, with those of its stages inside; a working folder if it has a copy.
    """

    def __init__(self, folder: Path) -> None:
        remote = remote_of(folder)
        self._place = None if remote is None else WorkingPlace(remote, folder, MADE_AGAIN)
        self._problem = ""  # why the last call could not send

    def fetch(self) -> None:
        """Make the folder as the copy is, unless states were saved here that could not be sent.

        Logs are fetched at once, and states and models when they are read.

        Raises:
            PatinaError: the service does not answer.
        """
        if self._place is not None:
            self._place.pull(LISTS, is_result=True)

    def send(self) -> None:
        """Send what is new; warn once if that fails, because the next call sends it, too.

        While nothing can be sent, each call tries only once, so that the training is hardly held up.
        """
        if self._place is None:
            return
        failed, self._problem = self._problem, ""
        try:
            replace(self._place, remote=replace(self._place.remote, is_patient=not failed)).push()
        except (PatinaError, OSError) as error:
            self._problem = _problem(error)
            if not failed:
                warn(f"warning: {self._problem}; the training goes on, and what was not sent is sent at the next save")
            return
        if failed:
            tell(f"{self._place.remote}: what was not sent before is there now")

    @contextmanager
    def sent_at_the_end(self) -> Iterator[None]:
        """Send what is new when the ``with`` block ends, however it ends.

        Raises:
            PatinaError: the block ended well, but not everything could be sent.
        """
        try:
            yield
        finally:
            self.send()
        if self._problem:
            raise PatinaError(
                f"{self._problem}; not everything was sent, but all is saved on this machine: run the same command "
                "again to send it"
            )


NO_MIRROR = RunMirror(Path())
"""For folders of this machine alone."""


def _problem(error: PatinaError | OSError) -> str:
    if isinstance(error, Unreachable):
        return error.problem
    return str(error) if isinstance(error, PatinaError) else told_system_error(error)
