"""Learn what a fitted recipe leaves unexplained: from clean images that it degraded to real photos.

The learned degradation becomes the recipe's last step, but only where its images are closer to held-out photos than
those of the fit alone. So the result is never worse than the fit, by these measures.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patina.degradations.learned_degradation import LearnedDegradation
from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_text import comment, recipe_text
from patina.errors import PatinaError
from patina.fidelity.baselines import degraded
from patina.fidelity.closeness import Closeness, closeness
from patina.fidelity.profile import profile_of
from patina.fidelity.samples import load_samples
from patina.fitting.fit_result import Fit
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.model_strength import Strength, fit_strength, with_strength
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.photo_crops import held_out_photos, write_crops
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.pipelines.training_run import train_config
from patina.pipelines.translation import load_learned_config
from patina.specs.learned_spec import LearnedConfig, learned_degradation
from patina.system.atomic import write_text
from patina.system.yaml_files import parsed_yaml

CONFIGS = {"deflow": "DeFlow-fitted", "ludvae": "LUDVAE-fitted", "ludif": "LUDDIF-fitted"}
"""The configuration of each kind of learned degradation that is trained over a fit."""

MOST_CLEAN = 400
"""Clean images that are degraded to learn from."""

JUDGED, SIDE = 24, 256
"""Images of every set that are compared with held-out photos, and their sides in pixels."""


@dataclass(frozen=True)
class LearnRequest:
    """What to learn over which fit.

    Attributes:
        fit: the fit; its `out` is the recipe to write.
        kind: a key of `CONFIGS`, or a configuration of a learned degradation.
        folder: for everything that is made on the way; results that are there are kept.
        device: where to compute.
        classifier_steps: training steps of the classifiers that judge.
    """

    fit: FitRequest
    kind: str
    folder: Path
    device: str = "auto"
    classifier_steps: int = 200


@dataclass(frozen=True)
class LearnedFit:
    """A fit, and what was learned over it.

    Attributes:
        fit: the fit alone.
        model: file of the trained model.
        knobs: the model's strength in 80 % of the photos, as a range; every image draws a photo's. Empty for models
            that draw their own.
        alone, together: how close images of the fit are to held-out photos, without and with the model.
        text: the recipe.
    """

    fit: Fit
    model: Path
    knobs: dict[str, tuple[float, float]]
    alone: Closeness
    together: Closeness
    text: str

    @property
    def is_kept(self) -> bool:
        """Whether the model is part of the recipe."""
        return self.together.beats(self.alone)

    @property
    def sentence(self) -> str:
        """What came of it."""
        measures = (
            f"a classifier tells its images from held-out photos {self.together.accuracy:.0f} % of the time (the fit's "
            f"alone {self.alone.accuracy:.0f} %), and spectra differ by {self.together.spectrum:.1f} dB "
            f"({self.alone.spectrum:.1f})"
        )
        if self.is_kept:
            return f"The learned degradation is kept, as the recipe's last step: {measures}."
        return f"The learned degradation is left out, as it brings the images no closer: {measures}."

    @property
    def whole(self) -> Fit:
        """The fit with the recipe of both, and with a word on what was learned."""
        return replace(self.fit, text=self.text, found=f"{self.fit.found} {self.sentence}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = {
            name: {"accuracy": found.accuracy, "spectrum": found.spectrum}
            for name, found in (("alone", self.alone), ("together", self.together))
        }
        return {"model": str(self.model), "knobs": self.knobs, "kept": self.is_kept, "sentence": self.sentence} | values


def learned_config(kind: str) -> LearnedConfig:
    """Return the configuration of the degradation that is learned over a fit.

    Args:
        kind: a key of `CONFIGS`, or a configuration's path or name.

    Raises:
        PatinaError: there is no such configuration, or it is none of a learned degradation.
    """
    return load_learned_config(CONFIGS.get(kind, kind))


def learn_over_fit(request: LearnRequest) -> LearnedFit:
    """Fit a recipe, learn what it leaves, and write the recipe of both.

    Raises:
        PatinaError: anything cannot be used, or the training was interrupted.
    """
    folders = _Folders(request.folder)
    config = learned_config(request.kind)
    held_out_photos(request.fit)  # refuses too few photos before anything is computed
    fit = fit_recipe(replace(request.fit, out=folders.recipe))
    for crops, photos in zip((folders.held_out, folders.real), held_out_photos(request.fit, fit.photos), strict=True):
        write_crops(request.fit, photos, crops)
    wanted = DegradeRequest(
        RecipeChoice(str(folders.recipe)), request.fit.clean, folders.fitted, request.fit.seed, MOST_CLEAN,
        request.fit.recursive, workers=request.fit.workers,
    )  # fmt: skip
    degrade(wanted).require_complete()
    model = _trained(config, request, folders)
    model, strength = _with_strength(model, request, folders)
    degradation = learned_degradation(model, device=request.device, precision="auto")
    learned = _judged(fit, model, strength, degradation, request, folders)
    if request.fit.out is not None:
        write_text(request.fit.out, learned.text)
    return learned


@dataclass(frozen=True)
class _Folders:
    """The files and folders within a request's folder."""

    top: Path

    @property
    def recipe(self) -> Path:
        """The recipe of the fit alone."""
        return self.top / "fitted.yml"

    @property
    def fitted(self) -> Path:
        """Clean images that it degraded."""
        return self.top / "fitted"

    @property
    def real(self) -> Path:
        """Crops of the photos to learn from."""
        return self.top / "real"

    @property
    def held_out(self) -> Path:
        """Crops of the other photos."""
        return self.top / "held_out"

    @property
    def model(self) -> Path:
        """The trained model with its strength."""
        return self.top / "model.safetensors"


def _trained(config: LearnedConfig, request: LearnRequest, folders: _Folders) -> Path:
    """Train the model on the way from fitted to real; return its file."""
    config = config.model_copy(update={"runs": folders.top / "runs"})
    config = config.with_domains(folders.fitted, folders.real, prepare, folders.top / "sets")
    if not train_config(config, request.device):
        raise PatinaError("stopped; the same command continues from here")
    return config.final_model()


def _with_strength(model: Path, request: LearnRequest, folders: _Folders) -> tuple[Path, Strength | None]:
    """Fit the model's strength to the photos; return the file of the model that has it, and what was found."""
    found = fit_strength(model, replace(request.fit, clean=folders.fitted, real=folders.real, are_fitted=True))
    if found is None or not found.knobs:
        return model, None
    with_strength(model, found.knobs, folders.model)
    return folders.model, found


def _judged(
    fit: Fit,
    model: Path,
    strength: Strength | None,
    degradation: LearnedDegradation,
    request: LearnRequest,
    folders: _Folders,
) -> LearnedFit:
    """Compare fitted images, with and without the model, with held-out photos, and make the recipe."""
    seed = request.fit.seed
    real = profile_of(load_samples(folders.held_out, limit=JUDGED, side=SIDE), seed)
    fitted = load_samples(folders.fitted, limit=JUDGED, side=SIDE)
    alone, together = (
        closeness(images, real, seed=seed, classifier_steps=request.classifier_steps)
        for images in (fitted, degraded(fitted, degradation, seed))
    )
    knobs = strength.ranges if strength else {}
    learned = LearnedFit(fit, model, knobs, alone, together, fit.text)
    return replace(learned, text=_recipe(learned))


def _recipe(learned: LearnedFit) -> str:
    """Return the fit's recipe with a word on what was learned, and the model as its last step where it is kept."""
    head = f"{comment(learned.sentence)}\n"
    if not learned.is_kept:
        return head + learned.fit.text
    settings = {"model": str(learned.model.resolve())}
    comments = [line for line in learned.fit.text.splitlines() if line.startswith("#")]
    values = parsed_yaml(learned.fit.text, "the fitted recipe")
    values["steps"] = [*values["steps"], {"learned": settings}]
    parse_recipe(values, "the recipe with what was learned")
    return head + "".join(f"{line}\n" for line in comments) + recipe_text(values)
