"""What `-backend auto` is where results are to be continued: what made those that are there."""

from pathlib import Path

from patina.errors import PatinaError
from patina.hints import install
from patina.runs.earlier_results import earlier_made_by
from patina.runs.fingerprint import digest_if_readable
from patina.shipped import model_file


def continued_backend(out: Path, model: str | Path) -> str:
    """Return the backend that made the results of a network in a folder or tars; "auto" without such results.

    Results that name none are torch's. So they can be finished on a machine that has other packages.

    Args:
        out: the folder, or the pattern of tars.
        model: what is to continue them, as in `open_upscaler`.

    Raises:
        PatinaError: the backend is not installed, or a file in `out` is no journal.
    """
    earlier = earlier_made_by(out)
    if earlier is None or earlier.command != "upscale" or not earlier.models:
        return "auto"
    if [*earlier.models.values()] != [digest_if_readable(model_file(model))]:
        return "auto"
    if "backend" not in earlier.settings:
        return "torch"
    from patina.pipelines.network_backends import EXTRAS, PACKAGES, missing_package

    name = str(earlier.settings["backend"])
    if name not in PACKAGES:
        return "auto"
    if missing := missing_package(name):
        raise PatinaError(
            f"{out} was begun by {name}, and {missing} is not installed here: {install(EXTRAS[name])}, or add -backend "
            "torch and choose another output folder"
        )
    return name
