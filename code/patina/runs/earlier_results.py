"""How the results were made that are in an output folder, or in tars, already."""

from pathlib import Path

from patina.runs.journal import earlier_journal
from patina.runs.journal_place import journal_file
from patina.runs.made_by import MadeBy
from patina.runs.tar_set import read_statistics
from patina.runs.tar_target import TarTarget


def earlier_made_by(out: Path) -> MadeBy | None:
    """Return what made the results in a folder, or in the tars of a pattern; None without results.

    Raises:
        PatinaError: a file there is no journal or statistics file.
    """
    target = TarTarget.parse(out)
    if target is None:
        return _of_folder(out)
    first = target.tar(0)
    if first.is_file() and first.with_suffix(".json").is_file():
        return read_statistics(first).made_by
    parts = map(_of_folder, sorted(target.making.glob("*")))
    return next((made_by for made_by in parts if made_by is not None), None)


def _of_folder(folder: Path) -> MadeBy | None:
    log = journal_file(folder)
    if not log.is_file():
        return None
    journal = earlier_journal(log)
    return journal.header.made_by if journal.result_files else None
