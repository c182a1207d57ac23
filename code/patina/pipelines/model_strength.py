"""Fit the strength of a trained degradation to photos, photo by photo, as its model file's default.

The knobs are fitted as any number of a recipe is, so that degraded clean images measure like the photos.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from patina.degradations.recipe_text import recipe_text
from patina.errors import PatinaError
from patina.fitting.fit_result import Fit
from patina.models.model_files import ModelFile, load_model_file, save_model_file
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.runs.folder_lock import file_lock
from patina.specs.learned_spec import opened_degradation
from patina.system.atomic import write_text

FREE: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "deflow": {"heat": (0.0, 1.0)},
    "ludvae": {"temperature": (0.0, 2.0), "noise_level": (0.5, 2.0)},
}
"""Knobs that scale what a kind of model learned, and between which values they are fitted; those that have a value in
the model file, between which multiples of it."""

SAMPLES = 48
"""Images per round; few, since a network is slower than a recipe."""


@dataclass(frozen=True)
class StrengthRequest:
    """A model and the photos whose strength it should have.

    Attributes:
        model: its file.
        clean: folder of clean images, which the model degrades, of the photos' scale.
        real: folder of photos.
        out: model file to write.
        pictures: most photos, chosen at random.
        seed: of everything that is drawn.
        recursive: whether subfolders count, too.
        workers: processes; None for one per core.
    """

    model: Path
    clean: Path
    real: Path
    out: Path
    pictures: int = 100
    seed: int = 0
    recursive: bool = False
    workers: int | None = None


@dataclass(frozen=True)
class Strength:
    """What was found.

    Attributes:
        knobs: values of the knobs, an entry per photo; empty where nothing was found.
        fit: the fit.
    """

    knobs: dict[str, list[float]]
    fit: Fit

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Between which values 80 % of the photos lie, by knob."""
        ordered = {name: sorted(values) for name, values in self.knobs.items()}
        return {name: (some[len(some) // 10], some[-1 - len(some) // 10]) for name, some in ordered.items()}


def fit_strength(model: Path, request: FitRequest) -> Strength | None:
    """Find the knobs with which a model's images measure like photos; None for kinds that draw their own strength.

    Args:
        model: its file.
        request: the images and photos; its families are not used.

    Raises:
        PatinaError: the model, an image or a photo cannot be used.
    """
    stored = load_model_file(model)
    if stored.kind not in FREE:
        return None
    knobs = {name: {"free": limits} for name, limits in _limits(stored, model).items()}
    family = {"scale": 1, "steps": [{"learned": {"model": str(model.resolve()), **knobs}}]}
    with tempfile.TemporaryDirectory(prefix="patina-strength-") as folder:
        path = Path(folder) / "strength.yml"
        write_text(path, recipe_text(family))
        fit = fit_recipe(replace(request, out=None, families=(str(path),), scale=1, samples=SAMPLES))
    if fit.match is None:
        return Strength({}, fit)
    units, numbers = fit.match.population.units, fit.match.family.free
    values = {
        str(number.place[-1]): [round(number.value(float(unit)), 3) for unit in units[:, place]]
        for place, number in enumerate(numbers)
    }
    return Strength(values, fit)


def _limits(stored: ModelFile, path: Path) -> dict[str, list[float]]:
    """Return between which values each knob is fitted."""
    degradation, limits = opened_degradation(replace(stored, photo_knobs={}), path, device="cpu"), {}
    for knob in degradation.knobs:
        if span := FREE[stored.kind].get(knob.name):
            own = degradation.settings.get(knob.name)
            unit = own if knob.default is None and isinstance(own, float | int) else 1.0
            limits[knob.name] = [end * unit for end in span]
    return limits


def with_strength(model: Path, knobs: dict[str, list[float]], out: Path) -> None:
    """Write a copy of a model whose images each draw the knobs of one photo.

    Raises:
        PatinaError: the model cannot be read or written.
    """
    save_model_file(out, replace(load_model_file(model), photo_knobs=knobs))


def store_strength(request: StrengthRequest) -> Strength:
    """Fit a model's strength to photos, and write the model with it.

    Raises:
        PatinaError: the model, an image or a photo cannot be used, or nothing was found.
    """
    if request.out.suffix != ".safetensors":
        raise PatinaError(f"-out is {request.out}, expected a model file, .safetensors")
    with file_lock(request.out, "strength"):
        fit = FitRequest(
            request.clean, request.real, None, pictures=request.pictures, seed=request.seed,
            recursive=request.recursive, workers=request.workers,
        )  # fmt: skip
        found = fit_strength(request.model, fit)
        if found is None:
            raise PatinaError(
                f"{request.model}: is not a model whose strength can be fitted, expected one of {', '.join(FREE)}"
            )
        if not found.knobs:
            raise PatinaError(f"no degradation was found in the photos: {found.fit.summary}")
        with_strength(request.model, found.knobs, request.out)
    return found
