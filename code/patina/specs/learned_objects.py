"""Configuration to learned degradations in use; `learned_training` trains them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from patina.conditions.condition_map import ConditionMap
from patina.data.condition_files import prepare_conditions
from patina.data.domains import Domain, ImageDomain, open_domain, open_images
from patina.data.normalisation import UNMATCHED, DomainStatistics, ImageStatistics
from patina.degradations.deflow_degradation import DeFlowDegradation, described_map
from patina.degradations.learned_degradation import LearnedDegradation, Span, Tiling, Use
from patina.degradations.ludvae_degradation import LUDVAEDegradation
from patina.degradations.trial import fastest
from patina.errors import ConfigError, PatinaError
from patina.imaging.channel_statistics import ChannelStatistics
from patina.models.labels import CLEAN
from patina.models.model_files import ModelFile, load_model_file, load_state_dict_file, require_file
from patina.specs.h_map import condition_map
from patina.specs.learned_settings import DeFlowConfig, DomainSettings, LearnedConfig, LUDVAEConfig
from patina.system.devices import compute_device


def deflow_domains(config: DeFlowConfig, h: ConditionMap | None = None) -> tuple[Domain, Domain]:
    """Open the training domains, clean and real; `h` is the configuration's, where it is at hand."""
    h = h or condition_map(config)
    return deflow_domain("clean", config.data.clean, h), deflow_domain("real", config.data.real, h)


def ludvae_domains(config: LUDVAEConfig) -> tuple[ImageDomain, ImageDomain]:
    """Open the training domains, clean and real, with the statistics that the configuration asks for."""
    clean, real = _given_statistics(config) or (None, None)
    return open_images("clean", config.data.clean, clean), open_images("real", config.data.real, real)


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
    require_file(path)
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
    h = condition_map(config)
    statistics = deflow_statistics(config, *deflow_domains(config, h)).to_dict()
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


def deflow_domain(name: str, settings: DomainSettings, h: ConditionMap) -> Domain:
    """Open a folder as one of the domains of a DeFlow whose conditions `h` makes."""
    if h.is_prepared:
        return open_domain(name, settings.folder, settings.image_scale, h.scale)
    return open_domain(
        name, settings.folder, settings.image_scale, h.whole_scale, lambda images: prepare_conditions(images, h)
    )


def deflow_statistics(config: DeFlowConfig, clean: Domain, real: Domain) -> DomainStatistics:
    """Return the domains' statistics as the configuration wants them used."""
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
    """One kind of learned degradation: how it is used and, where it is trained here, what on.

    Attributes:
        degradation: used by translation, recipes and reports.
        domains: configuration to the opened domains, clean and real.
        describe: configuration and published weights to a model file.
    """

    degradation: type[LearnedDegradation]
    domains: Callable[[LearnedConfig], tuple[ImageDomain, ImageDomain]] | None = None
    describe: Callable[[LearnedConfig, dict[str, torch.Tensor]], ModelFile] | None = None


LEARNED = {
    "deflow": Learned(DeFlowDegradation, deflow_domains, _deflow_description),
    "ludvae": Learned(LUDVAEDegradation, ludvae_domains, _ludvae_description),
}
"""The kinds of learned degradation, by the name in model files and configurations; a new one is a line here."""
