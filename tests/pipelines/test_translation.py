"""Translating folders: any size and format, no seams, and results that depend on seed and file name alone."""

import re
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn

from patina.cli.main import run_command
from patina.degradations.deflow_degradation import DeFlowDegradation, condition_of
from patina.degradations.learned_degradation import Tiling
from patina.imaging.channel_statistics import ChannelStatistics
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.labels import CLEAN, REAL
from patina.models.model_files import ModelFile, load_model_file, save_model_file
from patina.runs.fingerprint import file_digest
from patina.runs.journal import read_journal
from patina.specs.configuration import load_config
from patina.specs.learned_spec import learned_degradation, load_learned
from sets import deflow_values, picture, write_config, write_domains, write_pictures

ARCHITECTURE = DeFlowArchitecture(
    scale=4, features=8, blocks=1, growth=4, stacked_blocks=(0,), steps=1, hidden=8, steps_without_coupling=1
)
FLAT = ChannelStatistics((120.0, 120.0, 120.0), (50.0, 50.0, 50.0), 1)
REDDISH = ChannelStatistics((140.0, 110.0, 120.0), (60.0, 40.0, 50.0), 1)
STATISTICS = {"clean_image": FLAT, "clean_condition": FLAT, "real_image": REDDISH, "real_condition": REDDISH}


def network() -> DeFlow:
    """Return a network in which every weight matters and whose translation adds visible noise."""
    torch.manual_seed(3)
    flow = DeFlow(ARCHITECTURE)
    for name, parameter in flow.named_parameters():
        if name.startswith("layers") and name.endswith(("weight", "bias", "logs")):
            nn.init.normal_(parameter, std=0.05)
        if name.endswith("cov_shift"):
            parameter.data.copy_(0.05 * torch.eye(len(parameter)))
    return flow


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "final.safetensors"
    statistics = {name: part.to_dict() for name, part in STATISTICS.items()}
    configuration = {"architecture": asdict(ARCHITECTURE), "condition_noise": 0.03}
    save_model_file(path, ModelFile("deflow", configuration, network().state_dict(), statistics, step=7))
    return path


def degradation(model, **options) -> DeFlowDegradation:
    return learned_degradation(model, device="cpu", **options)


def translate(model, source, out, *options) -> int:
    arguments = ["-model_path", str(model), "-source_dir", str(source), "-out_dir", str(out), "-device", "cpu"]
    return run_command("translate", [*arguments, *map(str, options)])


class TestDegradation:
    @pytest.mark.parametrize("size", [(1, 1), (5, 9), (37, 50), (64, 64)])
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_any_size_keeps_its_size(self, model, size, source):
        image = torch.rand(3, *size)
        result = degradation(model, source=source).apply(image, {"heat": 1.0}, key=1)
        assert result.shape == image.shape
        assert 0 <= result.min() <= result.max() <= 1

    def test_tiles_equal_the_whole(self, model):
        image = to_tensor(picture(1, 200, 232))
        whole = degradation(model).apply(image, {"heat": 1.0}, key=5)
        tiled = degradation(model, tiling=Tiling(96, 48)).apply(image, {"heat": 1.0}, key=5)
        assert (whole - tiled).abs().mean() < 0.1 / 255
        assert (whole - tiled).abs().max() < 2 / 255

    def test_pictures_computed_together_equal_themselves_alone(self, model):
        images = [to_tensor(picture(index, 37, 50)) for index in range(3)]
        parameters = [{"heat": heat} for heat in (1.0, 0.5, 0.0)]
        alone = degradation(model)
        together = DeFlowDegradation(alone.network, alone.statistics, h=alone.h, batch=2)
        results = together.apply_batch(images, parameters, [7, 8, 9])
        for result, image, each, key in zip(results, images, parameters, [7, 8, 9], strict=True):
            torch.testing.assert_close(result, alone.apply(image, each, key), atol=1e-5, rtol=0)
        large = [to_tensor(picture(index, 64, 600)) for index in range(2)]
        tiled = together.apply_batch(large, parameters[:2], [1, 2])
        torch.testing.assert_close(tiled[1], alone.apply(large[1], parameters[1], 2), atol=1e-5, rtol=0)

    @pytest.mark.slow
    def test_there_is_no_seam(self, model):
        image = torch.full((3, 192, 1600), 0.5)
        tiled = degradation(model, tiling=Tiling(64, 32)).apply(image, {"heat": 1.0}, key=5)
        steps = (tiled[..., 1:] - tiled[..., :-1]).abs().mean(dim=(0, 1))
        borders = torch.arange(32, 1568, 32)
        at_borders = float(torch.cat([steps[borders - 1], steps[borders]]).mean())
        assert at_borders == pytest.approx(float(steps.mean()), rel=0.02)

    def test_the_noise_belongs_to_the_place_and_the_key(self, model):
        image = to_tensor(picture(3))
        apply = degradation(model).apply
        assert torch.equal(apply(image, {"heat": 1.0}, 1), apply(image, {"heat": 1.0}, 1))
        assert not torch.equal(apply(image, {"heat": 1.0}, 1), apply(image, {"heat": 1.0}, 2))

    def test_heat_0_returns_the_picture_in_the_real_statistics(self, model):
        image = to_tensor(picture(4))
        column = [torch.tensor(part).view(3, 1, 1) / 255 for part in (FLAT.mean, FLAT.std, REDDISH.mean, REDDISH.std)]
        expected = ((image - column[0]) / column[1] * column[3] + column[2]).clamp(0, 1)
        result = degradation(model, knobs={"heat": 0.0}).apply(image, {"heat": 0.0}, 1)
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=0)

    def test_translation_there_moves_statistics_and_back_restores_them(self, model):
        image = to_tensor(picture(5))
        there = degradation(model).apply(image, {"heat": 1.0}, 1)
        back = degradation(model, source=REAL).apply(there, {"heat": 1.0}, 2)
        assert (there - image).mean(dim=(1, 2))[0] > 10 / 255
        assert (back - image).abs().mean() < (there - image).abs().mean()

    def test_a_sample_depends_on_the_picture_through_its_condition_only(self, model):
        board = np.indices((48, 64)).sum(0)[..., None].repeat(3, axis=2) % 2 * 2 - 1  # too fine for the condition
        image, other = (to_tensor(np.uint8(128 + amplitude * board)) for amplitude in (0, 3))
        h = degradation(model).h
        assert torch.equal(condition_of(image, h), condition_of(other, h))
        first, second = (degradation(model).sample(each, REAL, key=1) for each in (image, other))
        assert torch.equal(first, second)
        assert not torch.equal(first, degradation(model).sample(image / 2, REAL, key=1))
        assert not torch.equal(first, degradation(model).sample(image, CLEAN, key=1))

    def test_bf16_stays_close(self, model):
        image = to_tensor(picture(7))
        exact = degradation(model).apply(image, {"heat": 1.0}, 1)
        quick = degradation(model, precision="bf16-mixed").apply(image, {"heat": 1.0}, 1)
        assert not torch.equal(exact, quick)
        assert 10 * torch.log10(1 / (exact - quick).square().mean()) > 40


class TestFolder:
    @pytest.mark.parametrize(
        ("fast", "options", "expected"),
        [(True, [], "bf16-mixed"), (False, [], "32"), (True, ["-precision", "32"], "32")],
    )
    def test_bf16_by_itself_where_it_is_fast(self, model, tmp_path, monkeypatch, fast, options, expected):
        monkeypatch.setattr("patina.degradations.trial.has_fast_bf16", lambda device: fast)
        write_pictures(tmp_path / "in", 1)
        assert translate(model, tmp_path / "in", tmp_path / "out", *options) == 0
        assert read_journal(tmp_path / "out" / "log.jsonl").header.made_by.settings["precision"] == expected

    def test_results_depend_on_seed_and_name_alone(self, model, tmp_path):
        many = write_pictures(tmp_path / "many", 3)
        one = tmp_path / "one"
        write_picture(one / "2.png", read_picture(many / "2.png").pixels)
        for source, out, seed in ((many, "a", 0), (one, "b", 0), (one, "c", 1)):
            assert translate(model, source, tmp_path / out, "-seed", seed) == 0
        results = [read_picture(tmp_path / out / "2.png").pixels for out in "abc"]
        assert np.array_equal(results[0], results[1])
        assert not np.array_equal(results[0], results[2])

    def test_what_is_kept_changes_no_picture(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 1)
        for out, kept in (("nothing", 0), ("all", 1000)):
            assert translate(model, source, tmp_path / out, "-kept_mb", kept) == 0
        nothing, everything = (read_picture(tmp_path / out / "0.png").pixels for out in ("nothing", "all"))
        assert np.array_equal(nothing, everything)

    def test_every_picture_has_a_line_in_the_log(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 2)
        assert translate(model, source, tmp_path / "out", "-samples", 2, "-heat", 0.5, "-source_domain", "Y") == 0
        journal = read_journal(tmp_path / "out/log.jsonl")
        assert list(journal.results) == ["0_0.png", "0_1.png", "1_0.png", "1_1.png"]
        assert [result.details["parameters"] for result in journal.results.values()] == [{"heat": 0.5}] * 4
        assert journal.header.made_by.settings == {
            "domain": "Y", "precision": "32", "tile": None, "overlap": None, "heat": 0.5, "seed": 0,
        }  # fmt: skip
        assert journal.header.made_by.models == {str(model): file_digest(model)}
        assert [path.name for path in list_pictures(tmp_path / "out")] == list(journal.results)
        first, second = (read_picture(tmp_path / "out" / f"0_{index}.png").pixels for index in (0, 1))
        assert not np.array_equal(first, second)

    def test_only_what_is_missing_or_changed_is_made_again(self, model, tmp_path):
        source, out = write_pictures(tmp_path / "in", 3), tmp_path / "out"
        assert translate(model, source, out) == 0
        made = {path.name: path.read_bytes() for path in list_pictures(out)}
        (out / "1.png").unlink()
        times = {path.name: path.stat().st_mtime_ns for path in list_pictures(out)}
        assert translate(model, source, out) == 0
        assert {path.name: path.read_bytes() for path in list_pictures(out)} == made
        assert all((out / name).stat().st_mtime_ns == time for name, time in times.items())
        write_picture(source / "1.png", read_picture(source / "0.png").pixels)
        assert translate(model, source, out) == 0
        assert [path.name for path in list_pictures(out) if path.read_bytes() != made[path.name]] == ["1.png"]

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["-heat", 0.3], "heat 1.0, now 0.3"),
            (["-heat", "0.3:0.5"], "heat 1.0, now [0.3, 0.5]"),
            (["-seed", 1], "seed 0, now 1"),
            (["-source_domain", "Y"], "domain X, now Y"),
            (["-tile", 64], "tile none, now 64"),
            (["-precision", "bf16-mixed", "-seed", 2], "precision 32, now bf16-mixed; seed 0, now 2"),
        ],
    )
    def test_a_folder_of_other_settings_is_refused(self, model, tmp_path, capsys, options, told):
        source, out = write_pictures(tmp_path / "in", 1), tmp_path / "out"
        assert translate(model, source, out) == 0
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert translate(model, source, out, *options) == 2
        assert capsys.readouterr().err == f"error: {out} was made with {told}; choose another output folder\n"
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before

    def test_a_folder_of_another_model_or_command_is_refused(self, model, tmp_path, capsys):
        source, out = write_pictures(tmp_path / "in", 1), tmp_path / "out"
        recipe = write_config(tmp_path / "n.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]})
        assert run_command("degrade", [str(recipe), str(source), str(out), "-workers", "1"]) == 0
        before = (out / "log.jsonl").read_bytes()
        assert translate(model, source, out) == 2
        assert "out was made by `patina degrade`, now `patina translate`" in capsys.readouterr().err
        assert (out / "log.jsonl").read_bytes() == before
        other = tmp_path / "other.safetensors"
        save_model_file(other, replace(load_model_file(model), step=8))
        assert translate(model, source, tmp_path / "translated") == 0
        assert translate(other, source, tmp_path / "translated") == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert f"final.safetensors ({file_digest(model)})" in told
        assert f"other.safetensors ({file_digest(other)})" in told

    def test_nothing_is_read_again_to_find_that_nothing_changed(self, model, tmp_path, monkeypatch):
        source, out = write_pictures(tmp_path / "in", 2), tmp_path / "out"
        assert translate(model, source, out, "-samples", 2) == 0
        monkeypatch.setattr("patina.runs.source_digests.file_digest", lambda path: pytest.fail(f"{path} is read"))
        assert translate(model, source, out, "-samples", 2) == 0

    def test_a_half_line_of_a_killed_run_costs_no_other(self, model, tmp_path):
        source, out = write_pictures(tmp_path / "in", 2), tmp_path / "out"
        assert translate(model, source, out) == 0
        whole = (out / "log.jsonl").read_bytes()
        (out / "log.jsonl").write_bytes(whole[:-20])
        (out / "1.png").unlink()
        assert translate(model, source, out) == 0
        assert (out / "log.jsonl").read_bytes() == whole

    def test_pictures_that_were_not_translated_there_are_not_overwritten(self, model, tmp_path, capsys):
        write_pictures(tmp_path / "in", 2)
        write_pictures(tmp_path / "own", 2)
        before = {path: path.read_bytes() for path in list_pictures(tmp_path / "own")}
        assert translate(model, tmp_path / "in", tmp_path / "own") == 2
        assert "was not made by this command; choose another output folder" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in list_pictures(tmp_path / "own")} == before

    def test_depth_alpha_and_gray_are_kept_or_make_sense(self, model, tmp_path):
        source = tmp_path / "in"
        deep = picture(1).astype(np.uint16) * 257
        alpha = np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1))
        write_picture(source / "deep.png", deep)
        write_picture(source / "alpha.png", picture(2), alpha)
        write_picture(source / "gray.png", picture(3)[..., 0])
        assert translate(model, source, tmp_path / "out") == 0
        results = {path.stem: read_picture(path) for path in list_pictures(tmp_path / "out")}
        assert results["deep"].pixels.dtype == np.uint16
        assert np.array_equal(results["alpha"].alpha, alpha)
        assert results["gray"].pixels.shape == (48, 64, 3)

    def test_a_broken_picture_is_named_and_the_others_are_done(self, model, tmp_path, capsys):
        source = write_pictures(tmp_path / "in", 3)
        data = (source / "1.png").read_bytes()
        (source / "1.png").write_bytes(data[: len(data) // 2])
        assert translate(model, source, tmp_path / "out") == 1
        assert [path.name for path in list_pictures(tmp_path / "out")] == ["0.png", "2.png"]
        assert "1.png" in capsys.readouterr().err

    def test_a_picture_that_the_model_cannot_take_is_named(self, model, tmp_path, capsys):
        stored = load_model_file(model)
        exploding = {name: value + 200 * name.endswith("members.0.logs") for name, value in stored.weights.items()}
        save_model_file(tmp_path / "exploding.safetensors", replace(stored, weights=exploding))
        source = write_pictures(tmp_path / "in", 1)
        assert translate(tmp_path / "exploding.safetensors", source, tmp_path / "out") == 1
        assert "0.png: the model gave values that are not finite" in capsys.readouterr().err
        assert not (tmp_path / "out/0.png").exists()

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["-heat", 1.5], "-heat is 1.5, expected 0 to 1"),
            (["-samples", 0], "-samples is 0, expected 1 or more"),
            (["-tile", 10], "-tile is 10, expected 64 or more"),
            (["-tile", 100], "-tile is 100, expected a multiple of 8 for this model"),
            (["-overlap", 500], "-overlap is 500, expected 0 to 256"),
            (["-kept_mb", -1], "-kept_mb is -1, expected 0 or more"),
        ],
    )
    def test_a_wrong_flag_is_one_line(self, model, tmp_path, capsys, options, expected):
        source = write_pictures(tmp_path / "in", 1)
        assert translate(model, source, tmp_path / "out", *options) == 2
        assert capsys.readouterr().err == f"error: {expected}\n"
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_no_model_is_one_line(self, tmp_path, capsys):
        source = write_pictures(tmp_path / "in", 1)
        (tmp_path / "model.safetensors").write_bytes(b"no model")
        assert translate(tmp_path / "model.safetensors", source, tmp_path / "out") == 2
        assert "model.safetensors: not a readable safetensors file" in capsys.readouterr().err
        assert translate(tmp_path / "missing.safetensors", source, tmp_path / "out") == 2
        assert "missing.safetensors: no such model file" in capsys.readouterr().err


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
        assert "give its configuration, -opt" in capsys.readouterr().err

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
