"""The images of a report: those that can be measured, and what its reader has to know of the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patina.fidelity.samples import Sample, matched, read_samples
from patina.pipelines.provenance import Measurement
from patina.runs.folder_job import JobReport


@dataclass(frozen=True)
class ReportImages:
    """The images of a report.

    Attributes:
        sets: the images, by the names of the measurement's folders.
        measurement: with the names of these images.
        notes: one sentence for each folder with unreadable or too small images.
    """

    sets: dict[str, list[Sample]]
    measurement: Measurement
    notes: list[str]


def read_images(measurement: Measurement) -> ReportImages:
    """Read the images of a report, and print which ones cannot be measured; their partners are left out, too.

    Raises:
        PatinaError: a folder cannot be used, or none of its images can be measured.
    """
    partners = [name for name in ("clean", "generated", "real") if name in measurement.folders]
    if not measurement.paired:
        partners.remove("real")
    reports = {"clean": _read(measurement, "clean")}
    names = [sample.name for sample in reports["clean"].results]
    for name in measurement.folders:
        if name != "clean":
            reports[name] = _read(measurement, name, names if name in partners else None)
    sets = {name: report.results for name, report in reports.items()}
    sets |= zip(partners, matched(*(sets[name] for name in partners)), strict=True)
    measured = {name: [sample.name for sample in samples] for name, samples in sets.items()}
    notes = [_note(name, report, name in partners) for name, report in reports.items() if report.failures]
    return ReportImages(sets, replace(measurement, measured=measured), notes)


def _read(measurement: Measurement, name: str, names: Sequence[str] | None = None) -> JobReport[Sample]:
    scale = measurement.scale if name == "clean" else 1
    report = read_samples(
        measurement.folders[name], limit=measurement.limit, side=measurement.side, names=names, scale=scale,
        recursive=name in measurement.nested,
    )  # fmt: skip
    report.print_summary()
    return report


def _note(name: str, report: JobReport[Sample], has_partners: bool) -> str:
    """Say how many images of a folder are left out, and why the first one is, without its path."""
    path, reason = report.failures[0]
    total, file = len(report.results) + len(report.failures), Path(path).name
    why = reason.replace(path, file) if path in reason else f"{file}: {reason}"
    others = ", with the images of the same name in the other folders" if has_partners else ""
    return f"{len(report.failures)} of {total} {name} images cannot be measured and were left out{others}: {why}."
