"""What `patina weights` lists: the published weights that metrics and losses need, and what each lacks."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patina.metrics.backbones import PUBLISHED, remedy, weights_file
from patina.runs.fingerprint import file_digest
from patina.system.text_layout import indented


@dataclass(frozen=True)
class WeightFile:
    """A file of published weights on this machine.

    Attributes:
        name: its name.
        use: what needs it.
        path: where it lies, or would lie.
        problem: what it lacks, "missing" or "damaged"; empty if it can be used.
        remedy: how it is got; empty if nothing is lacking.
    """

    name: str
    use: str
    path: Path
    problem: str
    remedy: str

    @property
    def values(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"path": str(self.path)}


def weight_files() -> list[WeightFile]:
    """Look for all published weights, and compare their hashes; opens no network connection."""
    found = []
    for name, file in PUBLISHED.items():
        path = weights_file(name)
        is_right = path.is_file() and file_digest(path).startswith(file.sha256)
        problem = "" if is_right else "damaged (wrong SHA-256)" if path.is_file() else "missing"
        found.append(WeightFile(name, file.use, path, problem, remedy(name) if problem else ""))
    return found


def weight_table(files: list[WeightFile], width: int | None = None) -> str:
    """Return lines per file: its name and use, and where it is or how it is got; `width` as in `indented`."""
    lines = []
    for file in files:
        lines.append(f"{file.name}, for {file.use}")
        lines += indented(f"{file.problem}: {file.remedy}" if file.problem else f"there: {file.path}", width)
    return "\n".join(lines)
