"""Configuration to super-resolution networks and the tasks that train them."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from patina.data.pairs import Pair, PairedPatches, match_pairs
from patina.data.pairs_on_the_fly import OnTheFlyPatches, Source
from patina.degradations.execution import Engine
from patina.degradations.recipe import Recipe, load_recipe, require_models
from patina.degradations.recipe_patches import OnTheFly, finish_patches
from patina.errors import ConfigError
from patina.imaging.picture_files import list_pictures
from patina.models.generators import compact, dncnn, load_generator_weights, msrresnet, realplksr, rrdbnet
from patina.seeding import derive, seed_step
from patina.specs.loss_objects import adversary, loss_terms
from patina.specs.recipe_engine import recipe_engine
from patina.specs.restoration_settings import (
    GeneratorSettings,
    LowQuality,
    RestorationConfig,
    RestorationStage,
    patch_sides,
)
from patina.specs.running import updater_factory
from patina.system.devices import compute_device
from patina.training.restoration_task import RestorationObjective, RestorationTask


def restoration_task(
    config: RestorationConfig, stage: RestorationStage, start: Path | None, device: str = "auto"
) -> RestorationTask:
    """Make the task that trains one stage of super-resolution, from the generator in `start` where given."""
    model, validation, gan = config.model, config.validation, stage.gan
    sides = patch_sides(config, stage)
    dataset, engine = patches_of(config, sides, derive(config.seed, "data", stage.name), device)
    seed_step(config.seed, "weights", stage.name)
    network = generator(model, start, stage.init_strict or start != stage.init_from)
    objective = RestorationObjective(
        loss_terms(stage.losses), adversary(gan, sides[1]), stage.ema, config.data.augment.mixings
    )
    return RestorationTask(
        network,
        dataset,
        model.scale,
        objective,
        updater_factory(
            stage, {"discriminator": gan.discriminator.learning_rate} if gan else {}, compiled=stage.compile
        ),
        validation=validation_pairs(config),
        pictures=validation.pictures if validation else 0,
        finish=partial(finish_patches, engine=engine),
    )


def patches_of(
    config: RestorationConfig, sides: dict[int, int], seed: int, device: str
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    """Make the configuration's training patches, of `sides` by the step that each begins at; see `paired_patches`."""
    data = config.data
    return paired_patches(
        data.lq,
        data.gt,
        device=device,
        patch=sides,
        scale=config.model.scale,
        seed=seed,
        flip=data.augment.flip,
        rotate=data.augment.rotate,
        batch=data.batch,
        cache_mb=data.cache_mb,
    )


def validation_pairs(config: RestorationConfig) -> list[Pair]:
    """Return the pairs to validate on; none where the configuration names none."""
    shown = config.validation
    return match_pairs(shown.lq, shown.gt, config.model.scale) if shown else []


def paired_patches(
    lq: Sequence[LowQuality], gt: Path, *, scale: int, seed: int, device: str, **options: Any
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    """Make training patches of the low-quality sources `lq` and the truths `gt`; return also what finishes them.

    `options` are those that `PairedPatches` and `OnTheFlyPatches` share.
    """
    options |= {"scale": scale, "seed": seed}
    if len(lq) == 1 and not lq[0].is_recipe:
        return PairedPatches(match_pairs(lq[0].path, gt, scale), **options), Engine()
    sources, models = [], {}
    for number, each in enumerate(lq):
        if each.is_recipe:
            recipe, engine = recipe_engine(_recipe_of_scale(each.path, scale), device)
            models |= engine.models
            degrade = OnTheFly(recipe, derive(seed, "recipe", number))
            sources.append(Source(each.weight, degrade=degrade))
        else:
            pairs = match_pairs(each.path, gt, scale)
            sources.append(Source(each.weight, files={pair.gt: pair.lq for pair in pairs}))
    return OnTheFlyPatches(list_pictures(gt), sources, **options), Engine(models, compute_device(device))


def _recipe_of_scale(path: Path, scale: int) -> Recipe:
    recipe = load_recipe(path)
    if recipe.scale != scale:
        raise ConfigError(f"{path}: makes pictures {recipe.scale} times smaller, expected {scale} for this model")
    require_models(recipe)
    return recipe


GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "rrdbnet": rrdbnet,
    "compact": compact,
    "dncnn": dncnn,
    "msrresnet": msrresnet,
    "realplksr": realplksr,
}


def generator(settings: GeneratorSettings, start: Path | None, strict: bool = True) -> nn.Module:
    """Make the generator, with the weights of the file `start` where given.

    Where `strict` is off, weights that do not fit are named on stderr and left as they are.
    """
    network = fresh_generator(settings)
    if start is not None:
        left_out = load_generator_weights(network, start, strict)
        for line in [f"{start}: {len(left_out)} weights do not fit and are left out:", *left_out] if left_out else []:
            print(line, file=sys.stderr)
    return network


def fresh_generator(settings: GeneratorSettings) -> nn.Module:
    """Make the generator with its starting weights."""
    size = settings.model_dump(exclude={"architecture"})
    if settings.architecture == "dncnn":
        del size["scale"]  # a denoiser has no choice of it
    return GENERATORS[settings.architecture](**size)
