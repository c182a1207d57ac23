"""The kinds of learned degradations: each takes its own files, and a third kind is a line in two tables."""

import numpy as np
import pytest
import torch

from patina.degradations.knobs import HANDLES, Handles, Knob
from patina.degradations.learned_degradation import LearnedDegradation
from patina.imaging.picture_files import read_picture
from patina.models.model_files import ModelFile, save_model_file
from patina.runs.journal import read_journal
from patina.specs import subjects
from patina.specs.learned_spec import LearnedConfig, learned_kinds
from sets import deflow_values, write_config, write_pictures
from small_ludvae import translate, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


class TestKinds:
    def test_a_model_of_the_other_kind_is_named(self, model, tmp_path, capsys):
        config = write_config(tmp_path / "deflow.yml", deflow_values(tmp_path))
        assert translate(model, write_pictures(tmp_path / "in", 1), tmp_path / "out", "-opt", config) == 2
        assert "final.safetensors: holds a model of kind 'ludvae', expected 'deflow'" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_every_kind_has_handles(self):
        classes = {kind: config.degradation for kind, config in learned_kinds().items()}
        own = {kind: (one.default_tile, one.knobs) for kind, one in classes.items()}
        assert {kind: (handles.tile, handles.knobs) for kind, handles in HANDLES.items()} == own

    def test_an_unknown_kind_is_named(self, tmp_path, capsys):
        path = tmp_path / "other.safetensors"
        save_model_file(path, ModelFile("other", {}, {"a": torch.zeros(1)}))
        assert translate(path, write_pictures(tmp_path / "in", 1), tmp_path / "out") == 2
        assert "holds a model of kind 'other', expected one of deflow, ludvae, ludif" in capsys.readouterr().err

    def test_a_third_kind_is_a_line_in_the_tables_of_subjects_and_of_handles(self, tmp_path, monkeypatch):
        monkeypatch.setitem(subjects.SUBJECTS, "darker", f"{__name__}:DarkerConfig")
        monkeypatch.setitem(HANDLES, "darker", DARKER)
        path = tmp_path / "darker.safetensors"
        save_model_file(path, ModelFile("darker", {}, {"gain": torch.tensor(0.5)}))
        source = write_pictures(tmp_path / "in", 1)
        assert translate(path, source, tmp_path / "out", "-depth", "0.5:0.6") == 0
        drawn = read_journal(tmp_path / "out/log.jsonl").results["0.png"].details["parameters"]
        before, after = (read_picture(folder / "0.png").pixels for folder in (source, tmp_path / "out"))
        assert np.abs(after - before * drawn["depth"] * 0.5).max() < 1


DARKER = Handles(256, (Knob("depth", "how dark", 0, 1, default=1.0),))


class Darker(LearnedDegradation):
    """A third kind of model, as a later file might define it."""

    kind = "darker"
    default_tile = DARKER.tile
    knobs = DARKER.knobs

    def __init__(self, gain: float, settings: dict):
        self.gain = gain
        self.settings = settings

    @classmethod
    def from_model(cls, model, path, use):
        return cls(float(model.weights["gain"]), dict(use.settings))

    @classmethod
    def published_weights(cls, state):
        return None

    def apply(self, image, parameters, key):
        return image * self.gain * parameters["depth"]

    def sample(self, image, domain, key):
        return image


class DarkerConfig(LearnedConfig):
    """Its configuration."""

    degradation = Darker
