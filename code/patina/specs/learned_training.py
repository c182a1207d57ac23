"""Configuration to the networks of learned degradations and the tasks that train them."""

from patina.conditions.condition_map import ConditionMap
from patina.data.domains import open_images, require_size
from patina.data.normalisation import ImageStatistics
from patina.data.unpaired import UnpairedImages, UnpairedPatches
from patina.degradations.deflow_degradation import network_weights
from patina.imaging.picture_files import list_pictures
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.fast_objective import Recompute
from patina.models.ludvae import LUDVAE
from patina.models.ludvae_start import start_near_identity
from patina.models.model_files import load_state_dict_file, load_weights
from patina.models.published import encoder_from_rrdbnet
from patina.seeding import derive, seed_step
from patina.specs.h_map import condition_map, local_conditions, open_autoencoder
from patina.specs.learned_objects import (
    deflow_domain,
    deflow_domains,
    deflow_statistics,
    learned_weights,
    ludvae_domains,
)
from patina.specs.learned_settings import DeFlowConfig, LUDVAEConfig
from patina.specs.running import updater_factory
from patina.training.deflow_task import DeFlowObjective, DeFlowTask
from patina.training.ludvae_task import LUDVAEObjective, LUDVAETask

SHIFT = ("mean_shift", "cov_shift")
"""What tells DeFlow's domains apart: mu and S."""

FAST_FROM_HIDDEN = 64
"""Channels inside the couplings from which on the fast objective is faster; all published networks have them."""


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
    h = condition_map(config)
    clean, real = deflow_domains(config, h)
    dataset = UnpairedPatches(
        clean,
        real,
        deflow_statistics(config, clean, real),
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
            deflow_domain("clean", shown.clean, h) if shown.clean else clean,
            deflow_domain("real", shown.real, h) if shown.real else real,
        ),
        pictures=shown.pictures,
        crop=shown.crop,
    )


def require_deflow(config: DeFlowConfig) -> None:
    """Make sure that a training lacks nothing, without writing what only it needs: conditions and h's autoencoders.

    Raises:
        PatinaError: a file or picture is missing or does not fit.
    """
    h = ConditionMap(config.condition_steps)
    if h.is_prepared and not any(step.autoencoder for step in h.steps):
        deflow_task(config)
        return
    for step in h.steps:
        if step.autoencoder and step.autoencoder.file:
            open_autoencoder(step.autoencoder.file, step.autoencoder.features)
    deflow_network(config)
    for settings in (config.data.clean, config.data.real):
        require_size(list_pictures(settings.folder / f"{settings.image_scale}x"), config.data.patch, "patch")


def _recompute(architecture: DeFlowArchitecture) -> Recompute | None:
    """Return what suits a network's size; small ones gain nothing from the fast objective."""
    return "hidden" if architecture.hidden >= FAST_FROM_HIDDEN else None


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
