"""Put the scores of `patina evaluate` and the tables of `patina measure` together that shards have written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from natsort import natsort_keygen
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from patina.errors import PatinaError
from patina.metrics.full_reference import METRICS
from patina.metrics.image_pair import Space
from patina.pipelines.score_table import Evaluation, Score
from patina.runs.folder_job import JobReport
from patina.runs.folder_lock import folder_lock
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
    stems: list[str]


def merge_scores(out: Path, shards: Mapping[Shard, Path], keep: bool) -> int:
    """Write the scores of all shards into the folder `out`, and return their number.

    Raises:
        PatinaError: a shard has no scores, or others were measured.
    """
    documents = {shard: _document(path / SCORES, shard) for shard, path in shards.items()}
    (first, one), *others = documents.items()
    for shard, other in others:
        for name in ("space", "crop_border"):
            if getattr(other, name) != getattr(one, name):
                raise PatinaError(
                    f"shard {shard} was measured with {name} {getattr(other, name)} and shard {first} with "
                    f"{getattr(one, name)}; measure one of them again"
                )
        if other.mean.keys() != one.mean.keys() or other.missing.keys() != one.missing.keys():
            raise PatinaError(f"shards {shard} and {first} have different metrics; measure one of them again")
    scores = {score.image: score for document in documents.values() for score in map(_score, document.images)}
    failures = {Path(fail.image).stem: fail for document in documents.values() for fail in document.failures}
    order = whole([document.stems for document in documents.values()])
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
    return len(report.results)


def merge_tables(out: Path, shards: Mapping[Shard, Path], keep: bool) -> int:
    """Write the rows of all tables into one, in the natural order of their first column; return their number.

    Raises:
        PatinaError: the tables have different columns.
    """
    heads, rows = {}, []
    for shard, path in shards.items():
        head, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
        heads[head] = shard
        rows += lines
    if len(heads) > 1:
        numbers = " and ".join(map(str, heads.values()))
        raise PatinaError(f"{out}: shards {numbers} have different columns; make one of them again")
    key = natsort_keygen(key=lambda row: row.split(",")[0])
    write_text(out, "\n".join([*heads, *sorted(rows, key=key)]) + "\n")
    if not keep:
        for path in shards.values():
            path.unlink()
    return len(rows)


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
