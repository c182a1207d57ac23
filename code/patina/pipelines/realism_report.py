"""Show whether a learned degradation makes pictures look like real ones: one HTML page, and JSON for machines."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from patina.errors import PatinaError
from patina.fidelity.page import Origin, headline
from patina.fidelity.profile import Profile
from patina.fidelity.real_comparison import Comparison, Reference
from patina.metrics.spectrum import by_frequency, by_orientation
from patina.runs.run_models import newest_of

NAME = "report.html"
NOT_REACHED = 1
LEVELS = {"better": ("real", "better"), "real": ("real",)}
"""The grades that ``-require`` accepts."""


def report_values(comparison: Comparison, reference: Reference, origin: Origin) -> dict[str, Any]:
    """Return everything measured as plain JSON values; what is not a number is null."""
    profile, real = (_profile_values(each) for each in (comparison.profile, reference.profile))
    return plain_values(
        {
            "name": origin.name,
            "headline": headline(comparison.findings),
            "findings": [asdict(finding) for finding in comparison.findings],
            "two_sample_interval": comparison.scores.interval,
            "yardsticks": {name: noise.draw(np.random.default_rng(0)) for name, noise in reference.noises.items()},
            "generated": profile,
            "real": real,
            "notes": origin.notes,
            "command": origin.command,
            "facts": dict(origin.facts),
        }
    )


def newest_model(run: Path) -> Path:
    """Return a run's final model, or its newest one.

    Raises:
        PatinaError: it has none yet.
    """
    model = newest_of(run)
    if model is None:
        raise PatinaError(f"{run}: the run has no model yet; train it further")
    return model


def _page(given: Path | None, run: Path | None) -> Path:
    """Return the file to write: as given, or in the folder that is given or that is the run's."""
    if given is not None:
        return given if given.suffix and not given.is_dir() else given / NAME
    return run / NAME if run is not None and run.is_dir() else Path(NAME)


def _profile_values(profile: Profile) -> dict[str, Any]:
    level = profile.level
    return {
        "deviation": profile.deviation,
        "neighbour_correlation": profile.neighbours,
        "channel_correlation": profile.channels,
        "covariance": profile.covariance,
        "kurtosis": profile.kurtosis,
        "blockiness": profile.blockiness,
        "autocorrelation": profile.correlation,
        "spectrum": dict(zip(("frequency", "power"), by_frequency(profile.spectrum), strict=True)),
        "orientation": dict(zip(("degrees", "power"), by_orientation(profile.spectrum), strict=True)),
        "noise_level": {"brightness": level.brightness, "variance": level.variance, "pixels": level.counts},
    }


def plain_values(value: Any) -> Any:
    """Return `value` as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_values(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _print(comparison: Comparison, origin: Origin, out: Path) -> None:
    print(headline(comparison.findings))
    for note in origin.notes:
        print(note)
    for finding in comparison.findings:
        print(f"{finding.title:<15} {finding.sentence}")
    print(f"{out}")


def _exit_code(comparison: Comparison, required: str | None) -> int:
    if required is None:
        return 0
    told = [finding for finding in comparison.findings if finding.grade != "unclear"]
    missed = [finding.title for finding in told if finding.grade not in LEVELS[required]]
    if blind := [finding.title for finding in comparison.findings if finding.grade == "unclear"]:
        print(f"told nothing: {', '.join(blind)}", file=sys.stderr)
    if missed:
        print(f"not reached ({required}): {', '.join(missed)}", file=sys.stderr)
    return 0 if told and not missed else NOT_REACHED
