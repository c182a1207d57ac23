"""Configuration to learned degradations, in training and in use."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from patina.build.conditions import condition_map, local_conditions
from patina.build.devices import compute_device
from patina.build.running import updater_factory
from patina.config.learned import DeFlowConfig, DomainSettings, LearnedConfig, LUDVAEConfig
from patina.data.conditions import prepare_conditions
from patina.data.domains import Domain, ImageDomain, open_domain, open_images
from patina.data.normalisation import UNMATCHED, DomainStatistics, ImageStatistics
from patina.data.unpaired import UnpairedImages, UnpairedPatches
from patina.degradations.deflow import DeFlowDegradation, described_map, network_weights
from patina.degradations.learned import LearnedDegradation, Span, Tiling, Use
from patina.degradations.ludvae import LUDVAEDegradation
from patina.degradations.trial import fastest
from patina.errors import ConfigError, PatinaError
from patina.imaging.statistics import ChannelStatistics
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.fast_objective import Recompute
from patina.models.files import ModelFile, load_model_file, load_state_dict_file, load_weights
from patina.models.labels import CLEAN
from patina.models.ludvae import LUDVAE
from patina.models.ludvae_start import start_near_identity
from patina.models.published import encoder_from_rrdbnet
from patina.seeding import derive, seed_step
from patina.training.deflow_task import DeFlowObjective, DeFlowTask
from patina.training.ludvae_task import LUDVAEObjective, LUDVAETask
from patina.training.task import Task

SHIFT = ("mean_shift", "cov_shift")
"""What tells DeFlow's domains apart: mu and S."""

FAST_FROM_HIDDEN = 64
"""Channels inside the couplings from which on the fast objective is faster; all published networks have them."""


def deflow_domains(config: DeFlowConfig) -> tuple[Domain, Domain]:
    """Open the training domains, clean and real."""
    return _domain("clean", config.data.clean, config), _domain("real", config.data.real, config)


def deflow_network(config: DeFlowConfig) -> tuple[DeFlow, bool]:
    """Make the network with its starting weights; the second value says whether it is untrained."""
    seed_step(config.seed, "weights")
    network = DeFlow(config.model)
    if config.training.init_from is not None:
        weights = network_weights(learned_weights(config.training.init_from, config.task))
        load_weights(network, weights, config.training.init_from)
    if config.training.encoder_from is not None:
        path = config.training.encoder_from
        load_weights(network.encoder, encoder_from_rrdbnet(load_state_dict_file(path)), path)
    return network, config.training.init_from is None


def deflow_task(config: DeFlowConfig) -> DeFlowTask:
    """Make the task that trains DeFlow."""
    clean, real = deflow_domains(config)
    h = condition_map(config)
    dataset = UnpairedPatches(
        clean,
        real,
        _statistics(config, clean, real),
        local=local_conditions(h),
        patch=config.data.patch,
        batch=config.data.batch,
        seed=derive(config.seed, "data"),
        flip=config.data.flip,
        cache_mb=config.data.cache_mb,
    )
    network, fresh = deflow_network(config)
    shown = config.validation
    return DeFlowTask(
        network,
        dataset,
        DeFlowObjective(h, config.quantisation),
        updater_factory(config.training, rate_factors=dict.fromkeys(SHIFT, config.training.shift_rate_factor)),
        fresh=fresh,
        recompute=config.training.recompute or _recompute(config.model),
        shown=(
            _domain("clean", shown.clean, config) if shown.clean else clean,
            _domain("real", shown.real, config) if shown.real else real,
        ),
        pictures=shown.pictures,
        crop=shown.crop,
    )


def _recompute(architecture: DeFlowArchitecture) -> Recompute | None:
    """Return what suits a network's size; small ones gain nothing from the fast objective."""
    return "hidden" if architecture.hidden >= FAST_FROM_HIDDEN else None


def ludvae_domains(config: LUDVAEConfig) -> tuple[ImageDomain, ImageDomain]:
    """Open the training domains, clean and real, with the statistics that the configuration asks for."""
    clean, real = _given_statistics(config) or (None, None)
    return open_images("clean", config.data.clean, clean), open_images("real", config.data.real, real)


def ludvae_network(config: LUDVAEConfig) -> tuple[LUDVAE, bool]:
    """Make the network with its starting weights; the second value says whether it is untrained."""
    seed_step(config.seed, "weights")
    network = LUDVAE(config.model)
    if config.training.init_from is None:
        start_near_identity(network)
    else:
        load_weights(network, learned_weights(config.training.init_from, config.task), config.training.init_from)
    return network, config.training.init_from is None


def ludvae_task(config: LUDVAEConfig) -> LUDVAETask:
    """Make the task that trains LUD-VAE."""
    clean, real = ludvae_domains(config)
    dataset = UnpairedImages(
        clean,
        real,
        patch=config.data.patch,
        batch=config.data.batch,
        seed=derive(config.seed, "data"),
        augment=config.data.augment,
        cache_mb=config.data.cache_mb,
    )
    shown = config.validation
    return LUDVAETask(
        ludvae_network(config)[0],
        dataset,
        ImageStatistics.of(clean, real),
        LUDVAEObjective(config.noise_level.model_dump(), config.kl.rise, config.kl.end),
        updater_factory(config.training),
        shown=(
            open_images("clean", shown.clean, clean.image_statistics) if shown.clean else clean,
            open_images("real", shown.real, real.image_statistics) if shown.real else real,
        ),
        pictures=shown.pictures,
        crop=shown.crop,
    )


def learned_weights(path: Path, kind: str) -> dict[str, torch.Tensor]:
    """Read the weights of a learned degradation from an own model file or a published state dict.

    Raises:
        PatinaError: the file cannot be read, or holds a model of another kind.
    """
    if path.suffix == ".safetensors":
        return _own_model(path, kind).weights
    state = load_state_dict_file(path)
    for name, learned in LEARNED.items():
        weights = learned.degradation.published_weights(state)
        if weights is not None and name != kind:
            raise PatinaError(f"{path}: holds a published model of kind {name!r}, expected {kind!r}")
        if weights is not None:
            return weights
    return state


def load_learned(path: Path, config: LearnedConfig | None = None) -> ModelFile:
    """Read a trained degradation of any kind.

    A published file needs `config` for its size, and for its sets' statistics, given or measured.

    Raises:
        ConfigError: a published file without a configuration, or without statistics.
        PatinaError: the file cannot be used, or is of another kind than the configuration.
    """
    if path.suffix == ".safetensors":
        return _own_model(path, config.task if config else None)
    if config is None:
        raise ConfigError(f"{path}: a published state dict does not say how it was made; give its configuration, -opt")
    return LEARNED[config.task].describe(config, learned_weights(path, config.task))


def learned_degradation(
    path: Path,
    config: LearnedConfig | None = None,
    *,
    source: int = CLEAN,
    tiling: Tiling = Tiling(),  # noqa: B008 - frozen
    device: str = "auto",
    precision: str = "32",
    **settings: Span,
) -> LearnedDegradation:
    """Load a trained model as a degradation, ready to use on `device`; `settings` are its knobs (``heat=0.5``).

    `precision` is "32", "bf16-mixed", or "auto" for bf16 where it is fast and gives float32's pictures.

    Raises:
        ConfigError, PatinaError: as in `load_learned`; or a setting that this kind of model does not have.
    """
    model = load_learned(path, config)
    kind = LEARNED[model.kind].degradation
    chosen, where = kind.chosen_settings(settings), compute_device(device)

    def make(dtype: torch.dtype) -> LearnedDegradation:
        return kind.from_model(model, path, Use(source, chosen, tiling, where, dtype))

    if precision == "auto":
        return fastest(make, where)
    return make(torch.bfloat16 if precision == "bf16-mixed" else torch.float32)


def _own_model(path: Path, kind: str | None) -> ModelFile:
    """Read an own model file; `kind` is the one expected, None for any."""
    model = load_model_file(path)
    if model.kind not in LEARNED:
        raise PatinaError(f"{path}: holds a model of kind {model.kind!r}, expected one of {', '.join(LEARNED)}")
    if kind is not None and model.kind != kind:
        raise PatinaError(f"{path}: holds a model of kind {model.kind!r}, expected {kind!r}")
    return model


def _deflow_description(config: DeFlowConfig, weights: dict[str, torch.Tensor]) -> ModelFile:
    statistics = _statistics(config, *deflow_domains(config)).to_dict()
    h = condition_map(config)
    configuration = {"architecture": asdict(config.model), **described_map(h)}
    return ModelFile(DeFlowDegradation.kind, configuration, weights | h.weights(), statistics)


def _ludvae_description(config: LUDVAEConfig, weights: dict[str, torch.Tensor]) -> ModelFile:
    try:
        statistics = ImageStatistics(*_given_statistics(config) or _measured_statistics(config)).to_dict()
    except PatinaError as error:
        raise ConfigError(
            f"a published state dict has no channel statistics, and they cannot be measured ({error}); put the sets "
            "there, give mean and std of both as data.statistics, or set data.match_statistics to false"
        ) from error
    configuration = {"architecture": asdict(config.model), "noise_level": config.noise_level.model_dump()}
    return ModelFile(LUDVAEDegradation.kind, configuration, weights, statistics)


def _domain(name: str, settings: DomainSettings, config: DeFlowConfig) -> Domain:
    h = condition_map(config)
    if h.is_prepared:
        return open_domain(name, settings.folder, settings.image_scale, h.scale)
    return open_domain(
        name, settings.folder, settings.image_scale, h.whole_scale, lambda images: prepare_conditions(images, h)
    )


def _statistics(config: DeFlowConfig, clean: Domain, real: Domain) -> DomainStatistics:
    statistics = DomainStatistics.of(clean, real)
    return statistics if config.data.match_statistics else statistics.without_matching()


def _given_statistics(config: LUDVAEConfig) -> list[ChannelStatistics] | None:
    """Return the statistics of clean and real, None where they are to be measured."""
    if not config.data.match_statistics:
        return [UNMATCHED, UNMATCHED]
    given = config.data.statistics
    return given and [ChannelStatistics(each.mean, each.std, pixels=0) for each in (given.clean, given.real)]


def _measured_statistics(config: LUDVAEConfig) -> list[ChannelStatistics]:
    return [domain.image_statistics for domain in ludvae_domains(config)]


@dataclass(frozen=True)
class Learned:
    """One kind of learned degradation: how it is used and, where it is trained here, how it is made.

    Attributes:
        degradation: used by translation, recipes and reports.
        task: configuration to the task that trains it.
        network: configuration to (network, whether it is untrained).
        domains: configuration to the opened domains, clean and real.
        describe: configuration and published weights to a model file.
    """

    degradation: type[LearnedDegradation]
    task: Callable[[LearnedConfig], Task] | None = None
    network: Callable[[LearnedConfig], tuple[torch.nn.Module, bool]] | None = None
    domains: Callable[[LearnedConfig], tuple[ImageDomain, ImageDomain]] | None = None
    describe: Callable[[LearnedConfig, dict[str, torch.Tensor]], ModelFile] | None = None


LEARNED = {
    "deflow": Learned(DeFlowDegradation, deflow_task, deflow_network, deflow_domains, _deflow_description),
    "ludvae": Learned(LUDVAEDegradation, ludvae_task, ludvae_network, ludvae_domains, _ludvae_description),
}
"""The kinds of learned degradation, by the name in model files and configurations; a new one is a line here."""
