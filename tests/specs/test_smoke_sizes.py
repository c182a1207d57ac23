"""The small size of the configurations of LapSRN, SRCNN, SR3 and LUD-DIF; the files to compare them are valid."""

import shutil

import pytest

from patina.cli.main import run_command
from patina.models.generator_files import load_generator
from patina.models.model_files import stored_kind
from patina.shipped import shipped_root
from patina.specs.configuration import load_config
from patina.specs.experiment import TrainableConfig

STARTS = ("LapSRN", "SRCNN", "SR3", "LUDDIF")
ROOT = shipped_root()
NAMES = sorted(path.stem for start in STARTS for path in (ROOT / "confs").glob(f"{start}*"))


TRAINED = [*NAMES, *(path.stem for path in (ROOT / "confs").glob("Real*"))]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder with a copy of the configurations."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "confs", folder / "confs")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_smoke_sizes_train_to_the_end(project, name):
    path = project / "confs" / f"{name}.yml"
    assert run_command("train", ["-opt", str(path), "--smoke", "-device", "cpu"]) == 0
    final = project / "trained_models" / f"{name}-smoke" / "models/final.safetensors"
    if name.startswith("LUDDIF"):
        assert stored_kind(final) == "ludif"
    elif name.startswith("SR3"):
        assert stored_kind(final) == "sr3"
        assert (final.parent / "epoch-2.safetensors").is_file()
    else:
        assert load_generator(final).scale == int(name.split("-x")[1][0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DeFlow-Our-RWSR", "ESRGAN-DeFlow-Our-RWSR", "LUDVAE-polyu"])
def test_smoke_sizes_of_the_main_path_train_to_the_end(project, name):
    path = project / "confs" / f"{name}.yml"
    assert run_command("train", ["-opt", str(path), "--smoke", "-device", "cpu"]) == 0
    assert list((project / "trained_models" / f"{name}-smoke").glob("**/final.safetensors"))


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "confs").glob("*.yml")))
def test_whatever_trains_has_a_small_size(name):
    config = load_config(ROOT / "confs" / f"{name}.yml")
    if isinstance(config, TrainableConfig):
        assert load_config(ROOT / "confs" / f"{name}.yml", smoke=True).name == f"{name}-smoke"


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "confs").glob("compare-*.yml")))
def test_what_is_compared_is_what_is_trained(name):
    config = load_config(ROOT / "confs" / f"{name}.yml")
    trained = {stage.final_model for config in map(load_config, TRAINED) for stage in config.training_stages()}
    files = {model.model for model in config.models if not isinstance(model.model, str)}
    assert files
    assert files <= trained
    names = [model.name for model in config.models]
    assert names[:5] == ["nearest", "bilinear", "bicubic", "lanczos", "SRCNN"]
    assert len(names) > 5
