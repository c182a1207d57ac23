"""Translating with a published file of DeFlow."""

import re

import pytest
import torch

from patina.imaging.picture_files import read_picture
from patina.specs.configuration import load_config
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
