"""Addresses on the command line: commands get working folders in their place, and what they make is sent afterwards."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from patina.errors import PatinaError

if TYPE_CHECKING:
    from patina.system.places import WorkingPlace

RESULTS = frozenset({"csv", "learn_dir", "noise_patches", "out", "out_dir", "report", "target", "to"})
"""Arguments that name results; the others name sources."""

SEND_SECONDS = 60.0
"""How often finished results are sent while a command works."""

_ADDRESS = re.compile(r"(?:[^/=:]+=)?[a-z][a-z0-9+.-]+:/{1,3}[^/]")
_NAMED = re.compile(r"([^/=:]+=)?(.*)", re.DOTALL)


@contextmanager
def in_working_folders(command: str, arguments: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """Put a working folder in the place of every address, and send the results when the command has ended.

    Raises:
        PatinaError: a service does not answer, or nothing is at an address.
    """
    if not any(_is_address(value) for value in vars(arguments).values()):
        yield arguments
        return
    from patina.system.place_names import named_as_given
    from patina.system.places import working_folder

    results = _Results(is_whole=command == "merge")
    for name, value in vars(arguments).items():
        is_result = name in RESULTS or (name == "gt" and command == "degrade")
        make = _result_maker(command, arguments, results) if is_result else working_folder
        setattr(arguments, name, _replaced(value, make))
    with named_as_given():
        with results.sent_while_working():
            yield arguments
        results.send()


def _is_address(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_address, value))
    return isinstance(value, str | Path) and _ADDRESS.match(str(value)) is not None


def _replaced(value: Any, make: Callable[[str], Path]) -> Any:
    if isinstance(value, list | tuple):
        return [_replaced(item, make) for item in value]
    if not _is_address(value):
        return value
    found = _NAMED.fullmatch(str(value))
    assert found is not None
    name, address = found[1] or "", found[2]
    return type(value)(f"{name}{make(address)}") if isinstance(value, str) else make(address)


def _result_maker(command: str, arguments: argparse.Namespace, results: _Results) -> Callable[[str], Path]:
    from patina.system.places import LISTS, WorkingPlace

    def make(address: str) -> Path:
        folder, _, name = address.rpartition("/")
        tars = name if "%" in name else ""
        place, shard = WorkingPlace.of(folder if tars else address), getattr(arguments, "shard", None)
        if shard is not None:
            own = WorkingPlace.of(shard.path(Path(str(place.remote))).as_posix())
            own.pull(LISTS, is_result=True)
            results.places.append(own)
            return place.local / tars
        if command == "merge":
            for part in place.siblings(".shard-"):
                part.pull(None, is_result=True)
                results.places.append(part)
        place.pull(LISTS, is_result=True)
        results.places.insert(0, place)  # before the parts that a merge removes
        return place.local / tars

    return make


class _Results:
    """The places that a command writes to; `is_whole` if they are useful only together."""

    def __init__(self, is_whole: bool) -> None:
        self.places: list[WorkingPlace] = []
        self._is_whole = is_whole

    def send(self) -> None:
        """Send what is new."""
        for place in self.places:
            place.push()

    @contextmanager
    def sent_while_working(self) -> Iterator[None]:
        """Send finished results now and then, so that a machine that is lost loses little."""
        ended = Event()

        def work() -> None:
            while not ended.wait(SEND_SECONDS):
                try:
                    self.send()
                except (PatinaError, OSError):
                    continue  # it is sent with the next, and what is wrong then is told at the end

        thread = Thread(target=work, daemon=True)
        if self.places and not self._is_whole:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if thread.is_alive():
                thread.join()
