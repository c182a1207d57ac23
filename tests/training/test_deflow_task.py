"""DeFlow's data and training, end to end on small sets."""

import re

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from patina.cli.main import main, run_command
from patina.data.domains import open_domain
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, read_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.condition_encoder import ConditionEncoder
from patina.models.deflow import DeFlow
from patina.models.model_files import load_model_file
from patina.pipelines.multiscale_set import prepare
from patina.runs.run_log import read_log
from patina.specs.configuration import load_config, parse_config
from patina.specs.learned_spec import learned_degradation
from patina.specs.optimisation import make_fabric
from patina.training.diagnosis import first_not_finite
from patina.training.updates import NotFinite
from sets import deflow_values, write_config, write_domains, write_pictures


@pytest.fixture(scope="module")
def domains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    write_domains(folder)
    return folder


def train(folder, tmp_path, name="tiny", **training) -> int:
    values = deflow_values(folder, **training) | {"runs": str(tmp_path / "runs"), "name": name}
    return run_command("train", ["-opt", str(write_config(tmp_path / f"{name}.yml", values)), "-device", "cpu"])


def final_weights(tmp_path, name="tiny"):
    return load_model_file(tmp_path / "runs" / name / "models" / "final.safetensors").weights


def logged_nll(run) -> list[float]:
    return [line["nll"] for line in read_log(run) if line["part"] == "train"]


class TestDomains:
    def test_statistics_of_the_manifest_are_those_of_the_pixels(self, domains, tmp_path):
        known = open_domain("clean", domains / "clean", 1, 4)
        pixels = np.concatenate([read_picture(path).pixels.reshape(-1, 3) for path in known.images])
        np.testing.assert_allclose(known.image_statistics.mean, pixels.mean(0), rtol=1e-9)
        np.testing.assert_allclose(known.image_statistics.std, pixels.std(0), rtol=1e-9)
        for scale in ("1x", "4x"):
            (tmp_path / scale).symlink_to(domains / "clean" / scale)
        measured = open_domain("clean", tmp_path, 1, 4)
        assert measured.image_statistics == known.image_statistics
        assert measured.condition_statistics == known.condition_statistics

    def test_statistics_are_measured_where_the_pictures_are_others(self, domains, tmp_path, capsys):
        prepare(domains / "clean_pictures", tmp_path, [1, 4], workers=1)
        known = open_domain("clean", tmp_path, 1, 4)
        for scale in ("1x", "4x"):
            (tmp_path / scale / "0.png").unlink()
        capsys.readouterr()
        fewer = open_domain("clean", tmp_path, 1, 4)
        pixels = np.concatenate([read_picture(path).pixels.reshape(-1, 3) for path in fewer.images])
        np.testing.assert_allclose(fewer.image_statistics.mean, pixels.mean(0), rtol=1e-9)
        assert fewer.condition_statistics != known.condition_statistics
        assert "4x: other images than manifest.json lists; measuring their statistics" in capsys.readouterr().err

    def test_a_missing_scale_says_how_to_make_it(self, domains):
        with pytest.raises(PatinaError, match=r"the clean set has no 8x/; make it with .*-scales 1 8"):
            open_domain("clean", domains / "clean", 1, 8)

    def test_domains_of_different_scale_are_refused(self, domains, tmp_path):
        write_pictures(tmp_path / "pictures", 1)
        prepare(tmp_path / "pictures", tmp_path / "other", [1, 8], workers=1)
        values = deflow_values(domains)
        values["data"]["real"] = str(tmp_path / "other")
        with pytest.raises(PatinaError, match="the real set has no 4x/"):
            parse_config(values, "some.yml").make_task()

    def test_a_wrong_size_is_named(self, domains, tmp_path):
        prepare(domains / "clean_pictures", tmp_path, [1, 4], workers=1)
        (tmp_path / "4x" / "0.png").write_bytes((tmp_path / "1x" / "0.png").read_bytes())
        with pytest.raises(PatinaError, match=r"0\.png is 64x48 and .*0\.png is 64x48; expected exactly 4 times"):
            open_domain("clean", tmp_path, 1, 4)

    def test_a_picture_without_partner_is_named(self, domains, tmp_path):
        prepare(domains / "clean_pictures", tmp_path, [1, 4], workers=1)
        (tmp_path / "4x" / "1.png").unlink()
        with pytest.raises(PatinaError, match=r"1x/1\.png has no partner in .*4x"):
            open_domain("clean", tmp_path, 1, 4)

    def test_a_picture_smaller_than_the_patch_is_named(self, domains):
        values = deflow_values(domains)
        values["data"]["patch"] = 64
        with pytest.raises(PatinaError, match=r"0\.png: 64x48 pixels, smaller than the patch of 64"):
            parse_config(values, "some.yml").make_task()


class TestSamples:
    @pytest.fixture
    def dataset(self, domains):
        return parse_config(deflow_values(domains), "some.yml").make_task().dataset

    def test_half_of_a_batch_is_real_and_every_picture_is_seen_once_an_epoch(self, dataset):
        assert [float(dataset[1, slot]["label"]) for slot in range(4)] == [0, 1, 0, 1]
        for order in dataset.orders:
            assert sorted(order(position) for position in range(3)) == [0, 1, 2]

    def test_condition_and_image_show_the_same_place(self, dataset):
        for step in range(1, 20):
            sample = dataset[step, 0]
            assert (sample["image"].shape, sample["condition"].shape) == ((3, 32, 32), (3, 8, 8))
            small = torch.nn.functional.avg_pool2d(sample["image"], 4)
            assert (small - sample["condition"]).abs().mean() < 0.03

    def test_real_samples_are_brought_to_the_clean_statistics(self, dataset):
        statistics = dataset.statistics
        path = dataset.domains[1].images[0]
        raw = to_tensor(read_picture(path).pixels)
        real, clean = statistics.real_image, statistics.clean_image
        column = lambda values: torch.tensor(values).view(3, 1, 1)  # noqa: E731
        expected = (255 * raw - column(real.mean)) / column(real.std) * column(clean.std) + column(clean.mean)
        torch.testing.assert_close(statistics.normalise_image(raw), (expected / 255).clamp(0, 1))
        expected = expected.clamp(0, 255) / 255
        crops = [expected[:, y : y + 32, x : x + 32] for y in range(0, 17, 4) for x in range(0, 33, 4)]
        crops += [crop.flip(-1) for crop in crops]
        samples = [dataset[step, 1]["image"] for step in range(1, 4)]
        assert min((sample - crop).abs().max() for sample in samples for crop in crops) < 1e-5

    def test_matching_can_be_turned_off(self, domains):
        values = deflow_values(domains)
        values["data"]["match_statistics"] = False
        statistics = parse_config(values, "some.yml").make_task().statistics
        image = torch.rand(3, 8, 8)
        torch.testing.assert_close(statistics.normalise_image(image), image)
        torch.testing.assert_close(statistics.restore_real(image), image)


class TestTraining:
    @pytest.mark.slow
    def test_an_interrupted_run_equals_an_uninterrupted_one(self, domains, tmp_path):
        assert train(domains, tmp_path, "whole") == 0
        assert train(domains, tmp_path, "cut") == 0
        run = tmp_path / "runs" / "cut"
        (run / "training_state" / "4.state").unlink()
        (run / "models" / "final.safetensors").unlink()
        assert train(domains, tmp_path, "cut") == 0
        whole, cut = final_weights(tmp_path, "whole"), final_weights(tmp_path, "cut")
        assert all(torch.equal(whole[name], cut[name]) for name in whole)

    @pytest.mark.slow
    def test_a_run_leaves_what_the_readme_names(self, domains, tmp_path):
        assert train(domains, tmp_path) == 0
        run = tmp_path / "runs" / "tiny"
        assert load_config(run / "config.yml").name == "tiny"
        for part in ("models/final.safetensors", "models/2.safetensors", "training_state/4.state", "log.jsonl"):
            assert (run / part).is_file()
        assert (run / "tb" / "tiny" / "train").is_dir()
        assert (run / "tb" / "tiny" / "valid").is_dir()
        sheet = read_picture(run / "previews" / "0000004" / "translations.png").pixels
        assert sheet.std() > 10
        model = load_model_file(run / "models" / "final.safetensors")
        assert (model.kind, model.step) == ("deflow", 4)

    @pytest.mark.slow
    def test_the_objective_falls(self, domains, tmp_path):
        assert train(domains, tmp_path, steps=60, learning_rate=2e-3, validate_every=60, save_every=60) == 0
        nll = logged_nll(tmp_path / "runs" / "tiny")
        assert np.mean(nll[-10:]) < np.mean(nll[:10]) - 0.5

    @pytest.mark.slow
    def test_bf16_trains_close_to_float32(self, domains, tmp_path):
        nll = {}
        for precision in ("32", "bf16-mixed"):
            assert train(domains, tmp_path, precision, precision=precision, steps=3, learning_rate=1e-3) == 0
            # At the first step every coupling is still a constant, in any precision.
            nll[precision] = logged_nll(tmp_path / "runs" / precision)[-1]
        assert nll["32"] != nll["bf16-mixed"]
        assert nll["32"] == pytest.approx(nll["bf16-mixed"], abs=0.1)

    @pytest.mark.slow
    def test_what_is_recomputed_does_not_change_the_training(self, domains, tmp_path):
        assert train(domains, tmp_path, "plain") == 0
        plain = final_weights(tmp_path, "plain")
        for recompute in ("nothing", "everything"):
            assert train(domains, tmp_path, recompute, recompute=recompute) == 0
            for name, value in final_weights(tmp_path, recompute).items():
                torch.testing.assert_close(value, plain[name], atol=2e-3, rtol=1e-3)

    @pytest.mark.parametrize(("hidden", "expected"), [(8, None), (64, "hidden")])
    def test_the_fast_objective_is_for_networks_that_gain_by_it(self, domains, hidden, expected):
        values = deflow_values(domains)
        values["model"]["hidden"] = hidden
        assert parse_config(values, "some.yml").make_task().recompute == expected

    @pytest.mark.slow
    def test_fine_tuning_starts_from_the_given_weights(self, domains, tmp_path):
        assert train(domains, tmp_path, "first") == 0
        start = tmp_path / "runs/first/models/final.safetensors"
        assert train(domains, tmp_path, "second", init_from=str(start), learning_rate=1e-12, steps=1) == 0
        first, second = final_weights(tmp_path, "first"), final_weights(tmp_path, "second")
        for name, value in first.items():
            torch.testing.assert_close(second[name], value, atol=1e-6, rtol=0)

    @pytest.mark.parametrize("prefix", ["", "RRDB.", "module."])
    def test_the_encoder_starts_from_a_network_trained_for_psnr(self, domains, tmp_path, prefix):
        values = deflow_values(domains, encoder_from=str(tmp_path / "psnr.pth"))
        donor = ConditionEncoder(scale=4, features=8, blocks=1, growth=4, stacked_blocks=(0,), levels=3)
        published = {
            prefix + name.replace("blocks.0.dense", "RRDB_trunk.0.RDB"): value
            for name, value in donor.state_dict().items()
        }
        torch.save(published, tmp_path / "psnr.pth")
        task = parse_config(values, "some.yml").make_task()
        network = task.network
        assert task.fresh
        assert all(torch.equal(network.encoder.state_dict()[name], v) for name, v in donor.state_dict().items())

    def test_the_first_layer_that_is_not_finite_is_named(self, domains):
        task = parse_config(deflow_values(domains), "some.yml").make_task()
        task.setup(make_fabric("32", "cpu"))
        batch = default_collate([task.dataset[1, slot] for slot in range(4)])
        task.start(batch)
        task.network.layers[2].members[0].bias.data.fill_(torch.nan)
        with pytest.raises(NotFinite, match="loss of flow"):
            task.training_step(batch, 1)
        assert first_not_finite(task.networks, lambda: task.probe(batch)) == "flow.layers.2.members.0 (ActNorm)"

    def test_dry_run_prints_the_configuration_and_the_size(self, domains, tmp_path, capsys):
        config = write_config(tmp_path / "tiny.yml", deflow_values(domains))
        assert main(["train", "-opt", str(config), "--dry-run"]) == 0
        printed = capsys.readouterr().out
        assert "condition_noise: 0.03" in printed
        parameters = sum(p.numel() for p in DeFlow(load_config(config).model).parameters())
        assert re.search(rf"DeFlow: {parameters:,} parameters", printed)
        assert not (domains / "runs").exists()

    def test_dry_run_looks_for_the_data(self, domains, tmp_path, capsys):
        values = deflow_values(domains)
        values["data"]["clean"] = str(tmp_path / "nowhere")
        config = write_config(tmp_path / "tiny.yml", values)
        assert main(["train", "-opt", str(config), "--dry-run"]) == 2
        assert "nowhere: the clean set has no 1x/; make it with" in capsys.readouterr().err

    def test_a_mistake_is_one_line_and_exit_code_2(self, domains, tmp_path, capsys):
        config = write_config(tmp_path / "tiny.yml", deflow_values(domains, stepz=3))
        assert main(["train", "-opt", str(config)]) == 2
        assert capsys.readouterr().err == f"error: {config}: training.stepz: unknown key, did you mean steps?\n"


@pytest.mark.slow
def test_validation_shows_both_translations_and_samples(domains, tmp_path):
    assert train(domains, tmp_path) == 0
    arguments = ["-opt", str(tmp_path / "tiny.yml"), "-out_dir", str(tmp_path / "out"), "-pictures", "2"]
    assert run_command("validate", [*arguments, "-device", "cpu"]) == 0
    for folder in ("X_to_Y", "Y_to_X", "X_sample", "Y_sample"):
        for path in list_pictures(tmp_path / "out" / folder):
            assert read_picture(path).pixels.shape == (48, 64, 3)
    assert (tmp_path / "out" / "sheet.png").is_file()
    assert learned_degradation(tmp_path / "runs/tiny/models/final.safetensors", device="cpu").settings == {"heat": 1.0}
