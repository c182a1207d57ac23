"""Translating with a published file of DeFlow."""

import re

import pytest
import torch
import yaml

from condition_maps import DOWN, NOISE
from patina.conditions.autoencoder import DenoisingAutoencoder
from patina.imaging.picture_files import read_picture
from patina.models.model_files import ModelFile, save_model_file
from patina.specs.configuration import load_config
from patina.specs.h_map import AUTOENCODER
from patina.specs.learned_spec import load_learned
from sets import deflow_values, write_config, write_domains, write_pictures
from small_deflow import network, translate


class TestPublishedFile:
    @pytest.fixture
    def published(self, tmp_path):
        """Write a state dict under the published names, and a configuration of its size."""
        write_domains(tmp_path)
        values = deflow_values(tmp_path)
        values["model"]["steps_without_coupling"] = 1
        config = write_config(tmp_path / "tiny.yml", values)
        return config, {to_published(name): value for name, value in network().state_dict().items()}

    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_it_translates_like_the_own_file(self, published, prefix, tmp_path):
        config, state = published
        path = tmp_path / "published.pth"
        torch.save({prefix + name: value for name, value in state.items()}, path)
        weights = load_learned(path, load_config(config)).weights
        assert all(torch.equal(weights[name], value) for name, value in network().state_dict().items())
        source = write_pictures(tmp_path / "in", 1)
        assert translate(path, source, tmp_path / "out", "-opt", config) == 0
        assert read_picture(tmp_path / "out" / "0.png").pixels.shape == (48, 64, 3)

    def test_it_needs_a_configuration(self, published, tmp_path, capsys):
        path = tmp_path / "published.pth"
        torch.save(published[1], path)
        assert translate(path, write_pictures(tmp_path / "in", 1), tmp_path / "out") == 2
        assert "give its configuration with -opt" in capsys.readouterr().err

    def test_a_folder_of_another_h_is_refused(self, published, tmp_path, capsys):
        path, source = tmp_path / "published.pth", write_pictures(tmp_path / "in", 1)
        torch.save(published[1], path)
        values = yaml.safe_load(published[0].read_text(encoding="utf-8"))
        assert translate(path, source, tmp_path / "out", "-opt", published[0]) == 0
        config = write_config(tmp_path / "noisy.yml", values | {"condition_noise": 0.1})
        capsys.readouterr()
        assert translate(path, source, tmp_path / "out", "-opt", config) == 2
        assert "out was made with condition_noise 0.03, now 0.1; remove it or choose" in capsys.readouterr().err

    def test_a_folder_of_another_autoencoder_is_refused(self, published, tmp_path, capsys):
        path, source = tmp_path / "published.pth", write_pictures(tmp_path / "in", 1)
        torch.save(published[1], path)
        values = yaml.safe_load(published[0].read_text(encoding="utf-8"))
        file = tmp_path / "autoencoder.safetensors"
        values["h"] = [{"autoencoder": {"features": 4, "file": str(file)}}, DOWN, NOISE]
        config = write_config(tmp_path / "autoencoder.yml", values)
        network = DenoisingAutoencoder(4)
        for expected in (0, 2):
            save_model_file(file, ModelFile(AUTOENCODER, {"features": 4}, network.state_dict()))
            assert translate(path, source, tmp_path / "out", "-opt", config) == expected
            with torch.no_grad():
                network.decoder[-2].bias += 0.2
        assert "out was made with" in (error := capsys.readouterr().err)
        assert "weights " in error

    def test_weights_of_another_size_are_named(self, published, tmp_path, capsys):
        config, state = published
        path = tmp_path / "published.pth"
        torch.save({**state, "RRDB.conv_first.weight": torch.zeros(4, 3, 3, 3)}, path)
        assert translate(path, write_pictures(tmp_path / "in", 1), tmp_path / "out", "-opt", config) == 2
        error = capsys.readouterr().err
        assert "encoder.conv_first.weight has shape (4, 3, 3, 3), expected (8, 3, 3, 3)" in error

    def test_nothing_stored_in_it_is_executed(self, published, tmp_path, capsys):
        path = tmp_path / "published.pth"
        torch.save({"weights": list, "exec": print}, path)
        assert translate(path, write_pictures(tmp_path / "in", 1), tmp_path / "out", "-opt", published[0]) == 2
        assert "cannot be read as a state dict" in capsys.readouterr().err


def to_published(name: str) -> str:
    """Undo the renaming of `patina.models.published` for the names of `ARCHITECTURE`."""
    rules = [
        (r"^encoder\.blocks\.(\d+)\.dense(\d)\.", r"RRDB.RRDB_trunk.\1.RDB\2."),
        (r"^encoder\.", "RRDB."),
        (r"^prior\.", ""),
        (r"^(layers\.\d+)\.prior\.", r"\1."),
        (r"^(layers\.\d+)\.members\.0\.", r"\1.actnorm."),
        (r"^(layers\.\d+)\.members\.1\.", r"\1.invconv."),
        (r"^(layers\.\d+)\.members\.2\.by_half\.net\.", r"\1.affine.fAffine."),
        (r"^(layers\.\d+)\.members\.2\.by_condition\.net\.", r"\1.affine.fFeatures."),
        (r"^layers\.", "flowUpsamplerNet.layers."),
    ]
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
