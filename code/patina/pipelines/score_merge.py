"""Put the scores of `patina evaluate` and the tables of `patina measure` together that shards have written."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from patina.errors import PatinaError
from patina.metrics.full_reference import METRICS
from patina.metrics.image_pair import Space
from patina.pipelines.score_table import Evaluation, Score
from patina.runs.folder_job import JobReport
from patina.runs.folder_lock import folder_lock
from patina.runs.shard_notes import ShardNote, require_notes_alike
from patina.runs.shards import Shard, whole
from patina.system.atomic import write_text
from patina.system.typed_values import Malformed, parsed_object, typed

SCORES = "scores.json"


@dataclass(frozen=True, config=ConfigDict(extra="ignore"))
class _Failure:
    image: str
    reason: str


@dataclass(frozen=True, config=ConfigDict(extra="ignore"))
class _Document:
    """What a shard's scores must hold."""

    space: Space
    crop_border: Annotated[int, Field(ge=0)]
    mean: dict[str, Any]
    images: list[dict[str, Any]]
    failures: list[_Failure]
    missing: dict[str, str]
    shard: ShardNote


def merge_scores(out: Path, shards: Mapping[Shard, Path], keep: bool) -> tuple[int, int, tuple[str, ...]]:
    """Write the scores of all shards into the folder `out`.

    Returns:
        The numbers of images and of shards, and the names of images without scores.

    Raises:
        PatinaError: a shard has no scores, or they are of another version, of other images or of other settings.
    """
    documents = {shard: _document(path / SCORES, shard) for shard, path in shards.items()}
    (first, one), *others = documents.items()
    require_notes_alike({shard: document.shard for shard, document in documents.items()})
    for shard, other in others:
        if other.mean.keys() != one.mean.keys() or other.missing.keys() != one.missing.keys():
            raise PatinaError(f"shards {shard} and {first} have different metrics; measure one of them again")
    scores = {score.image: score for document in documents.values() for score in map(_score, document.images)}
    failures = {Path(fail.image).stem: fail for document in documents.values() for fail in document.failures}
    order = whole([document.shard.names for document in documents.values()])
    report = JobReport(
        [scores[stem] for stem in order if stem in scores],
        [(failures[stem].image, failures[stem].reason) for stem in order if stem in failures],
    )
    with folder_lock(out, "merge"):
        Evaluation(report, tuple(one.mean), one.space, one.crop_border, one.missing).write(out)
    if not keep:
        for path in shards.values():
            for name in (SCORES, "scores.csv"):
                (path / name).unlink(missing_ok=True)
            if not any(path.iterdir()):
                path.rmdir()
    return len(report.results), len(shards), tuple(name for name in order if name not in scores)


def merge_tables(out: Path, shards: Mapping[Shard, Path], keep: bool) -> tuple[int, int, tuple[str, ...]]:
    """Write the rows of all tables into one, in the order of the images; returns are as in `merge_scores`.

    Raises:
        PatinaError: a table is not a shard's, or they are of another version, of other images or of other settings.
    """
    notes, rows, head = dict[Shard, ShardNote](), dict[str, list[str]](), list[str]()
    for shard, path in shards.items():
        notes[shard], (head, *lines) = _table(path, shard)
        rows |= {line[0]: line for line in lines}
    require_notes_alike(notes)
    order = whole([note.names for note in notes.values()])
    if not rows:
        raise PatinaError(f"{out}: no shard has a row; see why all images failed")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *(rows[name] for name in order if name in rows)])
    write_text(out, text.getvalue())
    if not keep:
        for path in shards.values():
            path.unlink()
    return len(rows), len(shards), tuple(name for name in order if name not in rows)


def _table(path: Path, shard: Shard) -> tuple[ShardNote, list[list[str]]]:
    """Return what made a shard's table, and its rows with the head."""
    try:
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
        note, rows = ShardNote.from_line(first), [*csv.reader(io.StringIO(rest, newline=""))]
    except OSError as error:
        raise PatinaError(f"{path} cannot be read: {error.strerror}; make shard {shard} again") from None
    except (ValueError, csv.Error) as error:
        raise PatinaError(f"{path} is no table of a shard ({error}); make shard {shard} again") from None
    if not rows or not all(rows):
        raise PatinaError(f"{path} is no table of a shard (it has empty lines, or none); make shard {shard} again")
    return note, rows


def _document(path: Path, shard: Shard) -> _Document:
    try:
        return typed(_Document, parsed_object(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PatinaError(f"{path} cannot be read: {error.strerror}; measure shard {shard} again") from None
    except (Malformed, ValueError) as error:
        raise PatinaError(f"{path} has no scores of a shard ({error}); measure shard {shard} again") from None


def _score(values: Mapping[str, Any]) -> Score:
    numbers = {name: float(value) for name, value in values.items() if name in METRICS and value is not None}
    return Score(str(values["image"]), numbers, dict(values.get("absent", {})))
