"""Clean images that a recipe degrades before a learned degradation is trained on them.

What is learned is then only the way from the recipe's images to the real ones.
"""

from pathlib import Path

from patina.errors import ConfigError, PatinaError
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.recipe_choice import RecipeChoice
from patina.runs.run_mirror import CLEAN_IMAGES, SETS
from patina.specs.learned_spec import LearnedConfig
from patina.system.telling import tell


def with_degraded_clean(config: LearnedConfig, device: str = "auto") -> LearnedConfig:
    """Return a configuration whose clean images are those that its `data.clean_recipe` makes, if it has one.

    The images are written into the folder of the run; those that are there are kept.

    Raises:
        PatinaError: the recipe or an image cannot be used, the folder holds images of another recipe, or the user
            interrupted.
    """
    if config.data.clean_recipe is None:
        return config
    images, folders = config.run_folder() / CLEAN_IMAGES, config.training_folders
    choice = chosen_recipe(config.data.clean_recipe)
    tell(f"{config.name}: degrade {folders['clean']} by {config.data.clean_recipe}")
    subfolders = config.reads_subfolders
    request = DegradeRequest(choice, folders["clean"], images, config.seed, recursive=subfolders, device=device)
    degrade(request).require_complete()
    return config.with_domains(images, folders["real"], prepare, config.run_folder() / SETS)


def trained_folders(config: LearnedConfig) -> dict[str, Path]:
    """Return the folders of training images by domain, with those that the recipe made; nothing is written."""
    if config.data.clean_recipe is None:
        return config.training_folders
    return config.training_folders | {"clean": config.run_folder() / CLEAN_IMAGES}


def require_clean_images(config: LearnedConfig) -> None:
    """Make sure that the clean images that a run was trained or validated on are here.

    Raises:
        PatinaError: they are those of the recipe, and were made on another machine.
    """
    clean = (trained_folders(config) | config.validation_folders)["clean"]
    if clean == config.run_folder() / CLEAN_IMAGES and not clean.is_dir():
        raise PatinaError(
            f"{clean} is missing: what {config.data.clean_recipe} makes is not sent with a run; run `patina validate "
            "-opt` with its configuration, which makes it, or name a folder with -clean"
        )


def chosen_recipe(path: Path) -> RecipeChoice:
    """Return the recipe of `data.clean_recipe`.

    Raises:
        PatinaError: it cannot be used, or has variants.
    """
    choice = RecipeChoice(str(path))
    if names := choice.load().variants:
        raise ConfigError(f"data.clean_recipe: {path} has variants ({', '.join(names)}), expected a recipe without")
    return choice
