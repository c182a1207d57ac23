"""Configuration to super-resolution networks and the tasks that train them."""

from functools import partial
from pathlib import Path

import torch

from patina.build.recipes import recipe_engine
from patina.build.running import make_fabric, updater_factory
from patina.config.restoration import GeneratorSettings, RestorationConfig, RestorationStage
from patina.data.on_the_fly import OnTheFlyPatches, Source
from patina.data.pairs import PairedPatches, match_pairs
from patina.degradations.execution import Engine
from patina.degradations.on_the_fly import OnTheFly, finish_patches
from patina.degradations.recipe import Recipe, load_recipe, require_models
from patina.errors import ConfigError
from patina.imaging.files import list_pictures
from patina.losses.perceptual import PerceptualLoss
from patina.models.discriminators import VGGDiscriminator
from patina.models.restoration import compact, dncnn, load_generator_weights, rrdbnet
from patina.seeding import derive, seed_step
from patina.training.restoration_task import RestorationObjective, RestorationTask


def restoration_task(
    config: RestorationConfig, stage: RestorationStage, start: Path | None, device: str = "auto"
) -> RestorationTask:
    """Make the task that trains one stage of super-resolution, from the generator in `start` where given."""
    model = config.model
    dataset, engine = _paired_patches(config, stage, device)
    validation = config.validation
    seed_step(config.seed, "weights", stage.name)
    losses = stage.losses
    return RestorationTask(
        generator(model, start),
        dataset,
        model.scale,
        RestorationObjective(
            pixel=losses.pixel or 0.0,
            perceptual=losses.perceptual.weight if losses.perceptual else 0.0,
            gan=losses.gan.weight if losses.gan else 0.0,
            perceptual_loss=PerceptualLoss(losses.perceptual.layers) if losses.perceptual else None,
        ),
        updater_factory(stage, {"discriminator": losses.gan.learning_rate} if losses.gan else {}),
        discriminator=VGGDiscriminator(config.data.patch, losses.gan.features) if losses.gan else None,
        validation=match_pairs(validation.lq, validation.gt, model.scale) if validation else (),
        pictures=validation.pictures if validation else 0,
        finish=partial(finish_patches, engine=engine),
    )


def _paired_patches(
    config: RestorationConfig, stage: RestorationStage, device: str
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    """Make the training patches; return also what finishes them."""
    data, scale = config.data, config.model.scale
    options = {
        "patch": data.patch,
        "scale": scale,
        "seed": derive(config.seed, "data", stage.name),
        "augment": data.augment,
        "batch": data.batch,
        "cache_mb": data.cache_mb,
    }
    if len(data.lq) == 1 and not data.lq[0].is_recipe:
        return PairedPatches(match_pairs(data.lq[0].path, data.gt, scale), **options), Engine()
    sources, models = [], {}
    for number, each in enumerate(data.lq):
        if each.is_recipe:
            recipe, engine = recipe_engine(_recipe_of_scale(each.path, scale), device)
            models |= engine.models
            degrade = OnTheFly(recipe, derive(options["seed"], "recipe", number))
            sources.append(Source(each.weight, degrade=degrade))
        else:
            pairs = match_pairs(each.path, data.gt, scale)
            sources.append(Source(each.weight, files={pair.gt: pair.lq for pair in pairs}))
    return OnTheFlyPatches(list_pictures(data.gt), sources, **options), Engine(models, make_fabric("32", device).device)


def _recipe_of_scale(path: Path, scale: int) -> Recipe:
    recipe = load_recipe(path)
    if recipe.scale != scale:
        raise ConfigError(f"{path}: makes pictures {recipe.scale} times smaller, expected {scale} for this model")
    require_models(recipe)
    return recipe


def generator(settings: GeneratorSettings, start: Path | None) -> torch.nn.Module:
    """Make the generator, with the weights of the file `start` where given."""
    if settings.architecture == "compact":
        network = compact(settings.scale, settings.features, settings.blocks)
    elif settings.architecture == "dncnn":
        network = dncnn(settings.features, settings.layers)
    else:
        network = rrdbnet(settings.scale, settings.features, settings.blocks, settings.growth)
    if start is not None:
        load_generator_weights(network, start)
    return network
