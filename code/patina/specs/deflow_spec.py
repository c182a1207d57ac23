"""Learning a degradation with DeFlow: the configuration, its network, task and model files."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from torch import Tensor

from patina.conditions.condition_map import ConditionMap
from patina.conditions.steps import HStep, published_steps, scale_of
from patina.data.domains import Domain, require_size
from patina.data.unpaired import UnpairedPatches
from patina.degradations.deflow_degradation import DeFlowDegradation, described_map, network_weights
from patina.degradations.learned_degradation import LearnedDegradation
from patina.imaging.picture_files import list_pictures
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.fast_objective import Recompute
from patina.models.model_files import ModelFile, load_state_dict_file, load_weights
from patina.models.published import encoder_from_rrdbnet
from patina.seeding import derive, seed_step
from patina.settings import PositiveFloat, PositiveInt
from patina.specs.h_map import condition_map, local_conditions, open_autoencoder
from patina.specs.learned_spec import LearnedConfig, PrepareSet, learned_weights
from patina.specs.multiscale_domains import DomainSettings, UnpairedData, UnpairedValidation
from patina.specs.optimisation import TrainingSettings, updater_factory

if TYPE_CHECKING:
    from patina.training.deflow_task import DeFlowTask

SHIFT = ("mean_shift", "cov_shift")
"""The parameters that distinguish the domains: mu and S of DeFlow's paper (arXiv 2101.05796)."""

FAST_FROM_HIDDEN = 64
"""Smallest number of hidden channels of the couplings at which the fast objective pays; published networks have it."""

PUBLISHED_NOISE = 0.03
"""Default std of the noise on DeFlow's conditions, in units of [0, 1]."""


class DeFlowTraining(TrainingSettings):
    """Training of DeFlow."""

    recompute: Recompute | None = None
    """What the backward pass recomputes to save memory: `nothing` (fastest), `hidden` or `everything` (least memory).
    Results are the same. null: `hidden` if `model.hidden` is 64 or more, else the plain network, which is faster at
    that size."""

    shift_rate_factor: PositiveFloat = 1.0
    """Factor of the learning rate for the mean and covariance shift between the domains (mu and S in DeFlow's paper).
    They start close to zero, so a short training needs a factor above 1."""

    init_from: Path | None = None
    """Model file to fine-tune, Patina's own or published. null: random weights."""

    encoder_from: Path | None = None
    """PSNR-trained RRDBNet whose trunk initialises the condition encoder. Excludes `init_from`."""

    @model_validator(mode="after")
    def _one_start(self) -> "DeFlowTraining":
        if self.init_from and self.encoder_from:
            raise ValueError("init_from and encoder_from are both set, expected at most one: a model has its encoder")
        return self


class DeFlowConfig(LearnedConfig):
    """Learn a degradation with DeFlow (Wolf et al., CVPR 2021), a conditional normalising flow."""

    degradation: ClassVar[type[LearnedDegradation]] = DeFlowDegradation

    task: Literal["deflow"]
    """Selects this task."""

    model: DeFlowArchitecture = DeFlowArchitecture()
    """Size of the network."""

    condition_noise: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation of the Gaussian noise on the condition, in units of [0, 1]; 0.03 unless set. Excludes `h`."""

    h: tuple[HStep, ...] | None = None
    """Steps of h, the domain-invariant map from an image to its condition in DeFlow's paper (arXiv 2101.05796). null:
    the published map, bicubic downscaling by `model.scale` followed by noise of `condition_noise`."""

    quantisation: PositiveInt = 32
    """Number of levels for dequantisation: uniform noise of width 1/`quantisation` is added to images in [0, 1].
    Published: 32."""

    data: UnpairedData
    """Training data."""

    validation: UnpairedValidation = UnpairedValidation()
    """Validation data."""

    training: DeFlowTraining
    """Optimiser and training loop."""

    @model_validator(mode="before")
    @classmethod
    def _one_h(cls, values: Any) -> Any:
        """Fill in the published noise unless `h` is given."""
        if not isinstance(values, dict) or values.get("h") is None:
            noise = values.get("condition_noise") if isinstance(values, dict) else None
            return {**values, "condition_noise": PUBLISHED_NOISE if noise is None else noise}
        if values.get("condition_noise") is not None:
            raise ValueError("h and condition_noise are both set; give the noise as an add_gaussian step of h")
        return values

    @property
    def condition_steps(self) -> tuple[HStep, ...]:
        """The steps of h."""
        noise = PUBLISHED_NOISE if self.condition_noise is None else self.condition_noise
        return self.h or published_steps(self.model.scale, noise)

    @model_validator(mode="after")
    def _h_fits(self) -> "DeFlowConfig":
        if (scale := scale_of(self.condition_steps)) != self.model.scale:
            raise ValueError(f"h downscales by {scale}, expected model.scale, {self.model.scale}")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "DeFlowConfig":
        for key, side in (("data.patch", self.data.patch), ("validation.crop", self.validation.crop)):
            if side % self.model.multiple:
                raise ValueError(f"{key} is {side}, expected a multiple of {self.model.multiple} for this model")
        return self

    def condition_map(self) -> ConditionMap:
        """Return the map h, with its autoencoders."""
        return condition_map(self.condition_steps, self.data.clean.images, self.run_folder(), self.seed)

    def domains(self) -> tuple[Domain, Domain]:
        """Open the training domains, clean and real."""
        return self.data.open(self.condition_map())

    @property
    def training_folders(self) -> dict[str, Path]:
        """The folders of training images by domain."""
        return {"clean": self.data.clean.images, "real": self.data.real.images}

    @property
    def validation_folders(self) -> dict[str, Path]:
        """The folders of validation images by domain; only domains with held-out sets."""
        held_out = {"clean": self.validation.clean, "real": self.validation.real}
        return {name: domain.images for name, domain in held_out.items() if domain}

    def with_domains(self, clean: Path, real: Path, prepare: PrepareSet, sets: Path | None = None) -> "DeFlowConfig":
        """Return the configuration for other images, without a recipe for the clean ones.

        `prepare` makes their multi-scale sets in the data folders.

        Raises:
            PatinaError: a data folder already holds a set of different images.
        """
        domains = {"clean": self.data.clean, "real": self.data.real}
        if sets is not None:
            domains = {
                name: domain.model_copy(update={"folder": sets / name, "image_scale": 1})
                for name, domain in domains.items()
            }
        for domain, images in zip(domains.values(), (clean, real), strict=True):
            prepare(images, domain.folder, [domain.image_scale, domain.image_scale * self.model.scale])
        changes: dict[str, DomainSettings | None] = {**domains, "clean_recipe": None}
        return self.model_copy(update={"data": self.data.model_copy(update=changes)})

    def describe(self, weights: dict[str, Tensor]) -> ModelFile:
        """Return the model file of a published network's weights."""
        h = self.condition_map()
        configuration = {"architecture": asdict(self.model), **described_map(h)}
        statistics = self.data.statistics(*self.data.open(h)).to_dict()
        return ModelFile(DeFlowDegradation.kind, configuration, weights | h.weights(), statistics)

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the objective's parts, by domain."""
        return ("nll_real", "nll_clean")

    def fresh_network(self) -> DeFlow:
        """Return the network with random weights."""
        return DeFlow(self.model)

    def starting_network(self) -> DeFlow:
        """Return the network that training starts from, with weights from the files given in `training`."""
        seed_step(self.seed, "weights")
        network, settings = DeFlow(self.model), self.training
        if settings.init_from is not None:
            weights = network_weights(learned_weights(settings.init_from, self.task))
            load_weights(network, weights, settings.init_from)
        if settings.encoder_from is not None:
            path = settings.encoder_from
            load_weights(network.encoder, encoder_from_rrdbnet(load_state_dict_file(path)), path)
        return network

    def make_task(self, device: str = "auto") -> "DeFlowTask":
        """Return the task that trains the network."""
        from patina.training.deflow_task import DeFlowObjective, DeFlowTask

        h = self.condition_map()
        clean, real = self.data.open(h)
        dataset = UnpairedPatches(
            clean,
            real,
            self.data.statistics(clean, real),
            local=local_conditions(h),
            patch=self.data.patch,
            batch=self.data.batch,
            seed=derive(self.seed, "data"),
            flip=self.data.flip,
            cache_mb=self.data.cache_mb,
        )
        shown = self.validation
        return DeFlowTask(
            self.starting_network(),
            dataset,
            DeFlowObjective(h, self.quantisation),
            updater_factory(self.training, rate_factors=dict.fromkeys(SHIFT, self.training.shift_rate_factor)),
            fresh=self.training.init_from is None,
            recompute=self.training.recompute or _recompute(self.model),
            shown=(
                shown.clean.open("clean", h) if shown.clean else clean,
                shown.real.open("real", h) if shown.real else real,
            ),
            pictures=shown.pictures,
            crop=shown.crop,
        )

    def require(self, device: str = "auto", *, pictures: bool = True) -> list[str]:
        """Check that everything training needs exists, without writing conditions or training autoencoders of h."""
        if not pictures:
            return []
        h = ConditionMap(self.condition_steps)
        if h.is_prepared and not any(step.autoencoder for step in h.steps):
            self.make_task(device)
            return []
        for step in h.steps:
            if step.autoencoder and step.autoencoder.file:
                open_autoencoder(step.autoencoder.file, step.autoencoder.features)
        self.starting_network()
        for folder in self.training_folders.values():
            require_size(list_pictures(folder), self.data.patch, "patch")
        return []


def _recompute(architecture: DeFlowArchitecture) -> Recompute | None:
    """Return the default of `recompute`; small networks are faster without the fast objective."""
    return "hidden" if architecture.hidden >= FAST_FROM_HIDDEN else None
