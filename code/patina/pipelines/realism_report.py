"""Report whether degraded images look real: one HTML page, and JSON for machines."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from patina.degradations.knobs import Span
from patina.degradations.learned_degradation import LearnedDegradation
from patina.errors import PatinaError, require_range
from patina.fidelity.assessment import Assessment, assess
from patina.fidelity.baselines import degraded
from patina.fidelity.page import Provenance, headline, render
from patina.fidelity.profile import Profile
from patina.fidelity.reference import Reference
from patina.metrics.spectrum import by_frequency, by_orientation
from patina.pipelines.degraded_domain import require_clean_images
from patina.pipelines.provenance import (
    Measurement,
    TrainingRun,
    command_line,
    knob_text,
    name_of,
    provenance_of,
    run_of,
)
from patina.pipelines.report_images import read_images
from patina.pipelines.report_notes import measured_notes
from patina.runs.run_models import newest_model
from patina.specs.learned_spec import learned_degradation
from patina.system.atomic import write_text
from patina.system.plain_values import plain_values

FILE_NAME = "report.html"
LEVELS = {"better": ("real", "better"), "real": ("real",)}
"""The grades that reach a required level."""


@dataclass(frozen=True)
class ReportRequest:
    """What to report on.

    Either `source` or `generated` is given.

    Attributes:
        source: a run folder or a model file, whose degradation is applied to the clean images.
        generated: folder of the clean images degraded by anything else, matched by stem.
        clean, real: folders of images. None: the run's own, its validation images where it has some.
        paired: whether the real images show the same content as the clean ones of the same name.
        scale: factor by which the clean images are downscaled to the size of the others.
        out: the page to write, or its folder. None: in the run folder or else the working folder.
        pictures: maximum number of images of every folder.
        side: larger images are center-cropped to this many pixels.
        knobs: values of the model's knobs.
        seed: seed of noise, patches and classifiers.
        classifier_steps: training steps of every classifier.
        device: where the model computes.

    Raises:
        PatinaError: the values contradict each other or are out of range.
    """

    source: Path | None = None
    generated: Path | None = None
    clean: Path | None = None
    real: Path | None = None
    paired: bool = False
    scale: int = 1
    out: Path | None = None
    pictures: int = 24
    side: int = 512
    knobs: Mapping[str, Span] = field(default_factory=dict)
    seed: int = 0
    classifier_steps: int = 200
    device: str = "auto"

    def __post_init__(self) -> None:
        if len(self._subjects) != 1:
            raise PatinaError("expected either RUN, a run folder or model file, or -generated, a folder of images")
        if self.generated is not None and self.knobs:
            raise PatinaError(f"-{next(iter(self.knobs))} is a knob of a model; omit it with -generated")
        for name, value, least in (
            ("pictures", self.pictures, 4),
            ("side", self.side, 64),
            ("judge_steps", self.classifier_steps, 1),
            ("scale", self.scale, 1),
        ):
            require_range(name, value, least)
        if self.source is not None and not self.source.exists():
            raise PatinaError(f"{self.source}: no such run or model file; train it first, or name another")

    @property
    def subject(self) -> Path:
        """The run, the model or the folder that the report is about."""
        return self._subjects[0]

    @property
    def _subjects(self) -> list[Path]:
        return [path for path in (self.source, self.generated) if path is not None]

    @property
    def page(self) -> Path:
        """The file of the page."""
        if self.out is not None:
            return self.out if self.out.suffix and not self.out.is_dir() else self.out / FILE_NAME
        return self.source / FILE_NAME if self.source is not None and self.source.is_dir() else Path(FILE_NAME)

    @property
    def command(self) -> str:
        """The command that makes the report again, with all numbers."""
        numbers = {
            "pictures": self.pictures,
            "side": self.side,
            "seed": self.seed,
            "judge_steps": self.classifier_steps,
        }
        return command_line(
            "report",
            [self.source] if self.source is not None else [],
            {"generated": self.generated, "clean": self.clean, "real": self.real, "paired": self.paired}
            | {name: knob_text(value) for name, value in self.knobs.items()}
            | numbers
            | ({"scale": self.scale} if self.scale > 1 else {})
            | {"device": None if self.device == "auto" else self.device, "out": self.out},
        )

    def measurement(self, run: TrainingRun | None) -> Measurement:
        """Return what is measured: the folders, as given or the run's own, and how.

        Raises:
            PatinaError: a folder is missing.
        """
        own = run.own_folders if run is not None and self.subject.is_dir() else {}
        given = {"clean": self.clean, "real": self.real, "generated": self.generated}
        replaced = {name: folder for name, folder in given.items() if folder is not None}
        folders = own | replaced
        if not {"clean", "real"} <= set(folders):
            raise PatinaError("-clean and -real are needed: only a run folder knows its own")
        if run is not None and self.clean is None:
            require_clean_images(run.config)
        model = newest_model(self.source) if self.source is not None else None
        return Measurement(
            folders,
            paired=self.paired,
            seed=self.seed,
            classifier_steps=self.classifier_steps,
            limit=self.pictures,
            side=self.side,
            scale=self.scale,
            model=model,
            knobs=self.knobs,
            nested=[name for name in own if name not in replaced] if run and run.reads_subfolders else (),
        )


@dataclass(frozen=True)
class RealismReport:
    """A finished report.

    Attributes:
        assessment: the measurements and verdicts.
        values: all of them as plain JSON values.
        html: the page.
        page: the file that it is written to; the values go beside it as JSON.
    """

    assessment: Assessment
    values: dict[str, Any]
    html: str
    page: Path

    @property
    def json(self) -> str:
        """The values as JSON."""
        return json.dumps(self.values, indent=1, allow_nan=False)

    @property
    def text(self) -> str:
        """The verdicts as lines, and the names of the page and of the JSON."""
        findings = self.assessment.findings
        width = max(len(finding.title) for finding in findings)
        verdicts = [f"{finding.title:<{width}} {finding.sentence}" for finding in findings]
        files = f"{self.page}, {self.values_file}"
        return "\n".join([self.values["headline"], *self.values["notes"], *verdicts, files])

    @property
    def inconclusive(self) -> list[str]:
        """Titles of the measures that are inconclusive."""
        return [finding.title for finding in self.assessment.findings if finding.grade == "unclear"]

    def missed(self, level: str) -> list[str]:
        """Return the titles of the conclusive measures that miss a level of `LEVELS`."""
        accepted = (*LEVELS[level], "unclear")
        return [finding.title for finding in self.assessment.findings if finding.grade not in accepted]

    def reaches(self, level: str) -> bool:
        """Return whether all conclusive measures reach a level, and there is one."""
        return len(self.inconclusive) < len(self.assessment.findings) and not self.missed(level)

    @property
    def values_file(self) -> Path:
        """The JSON's file, beside the page."""
        return self.page.with_suffix(".json")

    def write(self) -> None:
        """Write the page and, beside it, the JSON."""
        write_text(self.page, self.html)
        write_text(self.values_file, self.json + "\n")


def realism_report(request: ReportRequest) -> RealismReport:
    """Measure how real degraded images look.

    Raises:
        PatinaError: the run, the model or the images cannot be used.
    """
    run = run_of(request.source) if request.source is not None else None
    measurement = request.measurement(run)
    images = read_images(measurement)
    sets, measurement = images.sets, images.measurement
    reference = Reference(
        sets["clean"], sets["real"], paired=request.paired, seed=request.seed, classifier_steps=request.classifier_steps
    )
    degradation = _degradation(measurement, request.device)
    generated = degraded(sets["clean"], degradation, request.seed) if degradation else sets["generated"]
    assessment = assess(generated, reference)
    name = name_of(request.subject)
    name = name if run else f"{name} compared with {name_of(measurement.folders['real'])}"
    provenance = provenance_of(measurement, name=name, command=request.command, run=run)
    is_matched = degradation is not None and degradation.matches_colours
    notes = [*provenance.notes, *images.notes, *measured_notes(reference, generated, is_matched)]
    provenance = replace(provenance, notes=notes)
    values = report_values(assessment, reference, provenance)
    return RealismReport(assessment, values, render(assessment, generated, reference, provenance), request.page)


def report_values(assessment: Assessment, reference: Reference, provenance: Provenance) -> dict[str, Any]:
    """Return everything that a report says as plain JSON values."""
    return {
        "name": provenance.name,
        **measured_values(assessment, reference),
        **plain_values(
            {"notes": provenance.notes, "command": provenance.command, "facts": dict(provenance.facts)},
        ),
    }


def measured_values(assessment: Assessment, reference: Reference) -> dict[str, Any]:
    """Return everything that was measured as plain JSON values; NaN becomes null."""
    generated, real = (_profile_values(profile) for profile in (assessment.profile, reference.profile))
    values: dict[str, Any] = plain_values(
        {
            "headline": headline(assessment.findings),
            "findings": [asdict(finding) for finding in assessment.findings],
            "classifier_interval": assessment.scores.interval,
            "baselines": {name: noise.draw(np.random.default_rng(0)) for name, noise in reference.noises.items()},
            "generated": generated,
            "real": real,
        }
    )
    return values


def _degradation(measurement: Measurement, device: str) -> LearnedDegradation | None:
    """Return the measured model; None if the images were generated before."""
    if measurement.model is None:
        return None
    return learned_degradation(measurement.model, device=device, knobs=measurement.knobs)


def _profile_values(profile: Profile) -> dict[str, Any]:
    level = profile.noise_level
    return {
        "std": profile.std,
        "neighbour_correlation": profile.neighbour_correlation,
        "channel_correlation": profile.channel_correlation,
        "covariance": profile.covariance,
        "kurtosis": profile.kurtosis,
        "blockiness": profile.blockiness,
        "autocorrelation": profile.autocorrelation,
        "spectrum": dict(zip(("frequency", "power"), by_frequency(profile.spectrum), strict=True)),
        "orientation": dict(zip(("degrees", "power"), by_orientation(profile.spectrum), strict=True)),
        "noise_level": {"brightness": level.brightness, "variance": level.variance, "pixels": level.counts},
    }
