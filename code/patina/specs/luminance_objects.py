"""Configuration to networks that enlarge luma, and the task that trains them."""

from functools import partial

from patina.data.fixed_patches import FixedPatches
from patina.data.pairs import match_pairs
from patina.degradations.recipe_patches import finish_patches
from patina.imaging.picture_files import list_pictures
from patina.models.lapsrn import LapSRN
from patina.models.luminance_network import LuminanceNetwork
from patina.models.srcnn import SRCNN
from patina.seeding import derive, seed_step
from patina.specs.luminance_settings import LapSRNSettings, LuminanceConfig, SRCNNSettings
from patina.specs.restoration_objects import paired_patches
from patina.specs.running import updater_factory
from patina.training.early_stopping import EarlyStopping
from patina.training.luminance_task import LuminanceTask


def luminance_network(settings: LapSRNSettings | SRCNNSettings) -> LuminanceNetwork:
    """Make the network with its starting weights."""
    if settings.architecture == "srcnn":
        return SRCNN(settings.scale, settings.features)
    return LapSRN(settings.scale, settings.features, settings.convolutions)


def luminance_task(config: LuminanceConfig, device: str = "auto") -> LuminanceTask:
    """Make the task that trains it."""
    data, scale, settings = config.data, config.model.scale, config.training
    pictures = len(list_pictures(data.gt))
    patches, engine = paired_patches(
        data.lq,
        data.gt,
        device=device,
        patch={1: data.patch},
        scale=scale,
        seed=derive(config.seed, "data"),
        flip=data.flip,
        rotate=data.rotate,
        batch=pictures,
        cache_mb=data.cache_mb,
    )
    stopping = settings.early_stopping
    shown = config.validation
    seed_step(config.seed, "weights")
    return LuminanceTask(
        luminance_network(config.model),
        FixedPatches(patches, count=data.patches, batch=data.batch),
        updater_factory(settings),
        epsilon=settings.epsilon,
        stopping=EarlyStopping(stopping.patience, stopping.least_gain) if stopping else EarlyStopping(None),
        validation=match_pairs(shown.lq, shown.gt, scale) if shown else (),
        pictures=shown.pictures if shown else 0,
        finish=partial(finish_patches, engine=engine),
    )
