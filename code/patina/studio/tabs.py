"""What every tab of the page has for itself: its images, its fit, its recipe, its job and its count."""

import re
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from patina.errors import PatinaError
from patina.fitting.fit_result import Fit
from patina.pipelines.recipe_fit import FitRequest
from patina.studio.blind_test import BlindTest
from patina.studio.photo_sets import KINDS, PhotoSet
from patina.studio.studio_jobs import StudioJob
from patina.studio.tuned_recipe import TunedRecipe

MOST_TABS = 40
"""Tabs that are remembered; the one that was used least recently is forgotten first."""

_NAME = re.compile(r"[0-9a-z-]{8,64}")


@dataclass
class Tab:
    """One tab of the page.

    Attributes:
        folder: for its files; removed with the tab.
        sets: its images by kind, see `KINDS`.
        fit: the last fit and what was asked for, if there was one.
        tuned: the recipe in use.
        job: the last job.
        blind: its blind test.
        page: the fit's page as HTML, once it was asked for.
    """

    folder: Path
    sets: dict[str, PhotoSet]
    fit: tuple[Fit, FitRequest] | None = None
    tuned: TunedRecipe | None = None
    job: StudioJob | None = None
    blind: BlindTest = field(default_factory=BlindTest)
    page: str | None = None

    @property
    def recipe(self) -> TunedRecipe:
        """The recipe in use.

        Raises:
            PatinaError: there is none yet.
        """
        if self.tuned is None:
            raise PatinaError("there is no recipe yet; fit one under Photos, or open one under Tune")
        return self.tuned

    def set_of(self, kind: str) -> PhotoSet:
        """Return the images of a kind.

        Raises:
            PatinaError: there is no such kind.
        """
        if kind not in self.sets:
            raise PatinaError(f"{kind[:40]!r} is not a kind of images; expected {', '.join(KINDS)}")
        return self.sets[kind]


class Tabs:
    """The tabs by the names that they give themselves."""

    def __init__(self) -> None:
        """Make a folder for all of them."""
        self._folder = Path(tempfile.mkdtemp(prefix="patina-studio-"))
        self._tabs: OrderedDict[str, Tab] = OrderedDict()
        self._lock = threading.Lock()

    def tab(self, name: str) -> Tab:
        """Return a tab, a new one for a name that was not seen before.

        Raises:
            PatinaError: the name is none that the page gives.
        """
        if not _NAME.fullmatch(name):
            raise PatinaError("the request names no tab of the studio; reload the page")
        with self._lock:
            if name not in self._tabs:
                self._tabs[name] = self._new(name)
            self._tabs.move_to_end(name)
            idle = [other for other, tab in self._tabs.items() if tab.job is None or tab.job.is_over]
            for other in idle[: max(0, len(self._tabs) - MOST_TABS)]:
                shutil.rmtree(self._tabs.pop(other).folder, ignore_errors=True)
            return self._tabs[name]

    def close(self) -> None:
        """Remove the files of all tabs."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _new(self, name: str) -> Tab:
        folder = self._folder / name
        sets = {}
        for kind in KINDS:
            sets[kind] = PhotoSet(folder / kind, folder / f"{kind}-small")
            sets[kind].dropped.mkdir(parents=True)
            sets[kind].thumbnails.mkdir()
        return Tab(folder, sets)
