"""The demo: its camera against what is known of it, and the whole job with a few steps."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.degradations.camera import Camera
from patina.experiments.demo_photographs import PHOTOGRAPHS
from patina.imaging.picture_files import list_pictures, read_picture
from patina.metrics.noise_statistics import channel_correlation, neighbour_correlation, residual_std


class TestCamera:
    def residual(self, camera: Camera, level: float) -> np.ndarray:
        flat = torch.full((3, 600, 600), level)
        seen = camera.apply(flat, {"blur": 1.0}, key=1)
        return (seen.permute(1, 2, 0).numpy() - level) * 255

    @pytest.mark.parametrize("level", [0.2, 0.5, 0.7])
    def test_noise_grows_with_brightness_as_stated(self, level):
        camera = Camera()
        expected = np.sqrt(camera.read_noise**2 + camera.shot_noise * level)
        np.testing.assert_allclose(residual_std(self.residual(camera, level)), expected, rtol=0.02)

    def test_neighbours_correlate_as_a_gaussian_filter_makes_them(self):
        residual = self.residual(Camera(grain=0.8), 0.5)
        for distance in (1, 2):
            expected = np.exp(-(distance**2) / (4 * 0.8**2))
            assert neighbour_correlation(residual, distance, 0, 1) == pytest.approx(expected, abs=0.03)
            assert neighbour_correlation(residual, 0, distance, 1) == pytest.approx(expected, abs=0.03)

    def test_channels_share_the_stated_part(self):
        correlation = channel_correlation(self.residual(Camera(shared=0.3), 0.5))
        assert correlation[0, 1] == pytest.approx(0.3, abs=0.03)

    def test_the_blur_is_drawn_from_its_range_and_comes_before_the_downscaling(self):
        camera = Camera(read_noise=0, shot_noise=0)
        drawn = [camera.draw(np.random.default_rng(seed))["blur"] for seed in range(50)]
        assert camera.blur[0] <= min(drawn) < max(drawn) <= camera.blur[1]
        edge = torch.zeros(3, 64, 64)
        edge[..., 32:] = 1
        sharp, soft = (camera.apply(edge, {"blur": blur}, 1) for blur in (0.1, 2.0))
        assert sharp.shape == (3, 32, 32)
        assert soft.diff(dim=-1).abs().max() < 0.6 * sharp.diff(dim=-1).abs().max()

    def test_the_key_decides(self):
        image = torch.rand(3, 20, 20)
        first, second, other = (Camera().apply(image, {"blur": 1.0}, key) for key in (1, 1, 2))
        assert torch.equal(first, second)
        assert not torch.equal(first, other)


@pytest.mark.slow
@pytest.mark.long
def test_the_whole_job_with_a_few_steps(tmp_path, monkeypatch, capsys, one_process):
    few = {
        part: names[:1] if part.startswith("held_out") else names[: 4 if part == "real" else 2]
        for part, names in PHOTOGRAPHS.items()
    }
    monkeypatch.setattr("patina.experiments.demo_photographs.PHOTOGRAPHS", few)
    arguments = ["-out", str(tmp_path), "-seeds", "0", "--smoke", "-device", "cpu"]
    assert run_command("demo", arguments) == 0
    printed = capsys.readouterr().out
    for row in (
        "| bicubic |",
        *(f"| {kind} pairs |" for kind in ("bicubic", "learned", "fitted", "true")),
        "| fitted |",
    ):
        assert row in printed
    assert (tmp_path / "results.md").read_text() in printed
    assert printed.startswith("smoke: two training steps, the numbers mean nothing")
    assert "gap" not in printed
    scores = json.loads((tmp_path / "results.json").read_text())
    assert 20 < scores["bicubic"][0][0] < 40
    assert read_picture(tmp_path / "sheet.png").pixels.std() > 20
    clean, degraded = (list_pictures(tmp_path / "sets/clean" / name) for name in ("2x", "2x_degraded"))
    assert [path.name for path in clean] == [path.name for path in degraded]
    kept = [*degraded, *(tmp_path / "photographs").glob("*/*")]
    times = {path: path.stat().st_mtime_ns for path in kept}
    assert run_command("demo", arguments) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    for other, difference in (([*arguments, "-seed", "5"], "seed 0, now 5"), (arguments[:4], "smoke true, now false")):
        assert run_command("demo", other) == 2
        assert f"{tmp_path} was made with {difference}; remove it or choose another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "folder"),
    [([], "demo_out"), (["--smoke"], "demo_smoke"), (["--smoke", "-out", "mine"], "mine"), (["-out", "mine"], "mine")],
)
def test_the_smoke_size_has_its_own_folder(flags, folder, monkeypatch):
    requests = []
    monkeypatch.setattr("patina.experiments.bundled_demo.run_demo", lambda request: requests.append(request) or "")
    assert run_command("demo", flags) == 0
    assert requests[0].out == Path(folder)
