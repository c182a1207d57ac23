"""Noise from quiet patches: collected from photos, laid over pictures, with the noise's own statistics."""

import json
import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from patina.cli.main import main
from patina.degradations.execution import apply_plan
from patina.degradations.noise_patches import SIDE, read_patches
from patina.errors import PatinaError
from patina.fitting.quiet_patches import quiet_patches
from patina.imaging.picture_files import write_picture
from small_recipes import recipe

STD = 6.0


def grainy(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return coloured noise with correlated neighbours, `STD` grey levels strong."""
    noise = gaussian_filter(rng.standard_normal((height, width, 3)), (0.7, 0.7, 0), mode="wrap")
    noise = noise + noise[..., :1]  # red is shared
    return STD * noise / noise.std()


@pytest.fixture
def photos(tmp_path):
    """Write two photos that are flat on their left, and one that is textured everywhere."""
    rng = np.random.default_rng(0)
    for number in range(3):
        scene = np.full((160, 256, 3), 120.0) + np.linspace(0, 8, 256)[None, :, None]
        checks = np.kron(np.indices((10, 16)).sum(axis=0) % 2, np.ones((16, 16)))[..., None]
        begin = 0 if number == 2 else 128
        scene[:, begin:] += 60 * checks[:, begin:]
        noisy = scene + (number + 1) / 2 * grainy(rng, 160, 256)
        write_picture(tmp_path / "photos" / f"{number}.png", np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return tmp_path / "photos"


def neighbours(noise: np.ndarray) -> float:
    """Return the correlation of horizontal neighbours."""
    return float((noise[:, 1:] * noise[:, :-1]).mean() / np.square(noise).mean())


def test_only_quiet_places_are_taken_and_light_that_falls_off_is_not(photos):
    patches = quiet_patches(photos / "0.png").astype(float)
    assert 10 <= len(patches) <= (160 // SIDE) * (128 // SIDE)
    assert np.abs(patches.mean(axis=(1, 2))).max() < 0.01
    rows = patches.mean(axis=(0, 2, 3))
    assert np.abs(rows).max() < 0.3
    assert patches.std() == pytest.approx(STD / 2, rel=0.05)
    assert len(quiet_patches(photos / "2.png")) == 0


def test_degraded_pictures_have_the_noise_of_the_photos(photos, tmp_path, capsys):
    file = tmp_path / "noise.npz"
    assert main(["measure", str(photos), "-noise_patches", str(file)]) == 0
    assert re.search(r"noise.npz: \d+ quiet patches of 2 of 3 photos", capsys.readouterr().err)
    made = recipe({"noise_patches": {"file": str(file), "strength": 2}}, scale=1)
    gray, found = np.full((200, 300, 3), 0.5, np.float32), {}
    true = grainy(np.random.default_rng(5), 400, 400)
    for seed in range(8):
        plan = made.draw("", (200, 300), seed, "a")
        noise = 255 * (apply_plan(gray, plan).astype(float) - 0.5)
        found.setdefault(plan[0].parameters["photo"], noise)
        assert neighbours(noise) == pytest.approx(neighbours(true), abs=0.03)
        channels = np.corrcoef(noise.reshape(-1, 3).T)
        np.testing.assert_allclose(channels, np.corrcoef(true.reshape(-1, 3).T), atol=0.06)
    assert [found[photo].std() for photo in (0, 1)] == pytest.approx([STD, 2 * STD], rel=0.06)
    columns = found[0].std(axis=(0, 2))  # no seams: every place is equally noisy
    assert columns.std() / columns.mean() < 0.1


def test_no_quiet_place_and_wrong_files_are_one_line(photos, tmp_path, capsys):
    for number in range(2):
        (photos / f"{number}.png").unlink()
    assert main(["measure", str(photos), "-noise_patches", str(tmp_path / "n.npz")]) == 2
    assert "none of 1 photos has a quiet place of 32x32 pixels" in capsys.readouterr().err
    assert not (tmp_path / "n.npz").exists()
    with pytest.raises(PatinaError, match="no such noise file; make it with: patina measure REAL"):
        read_patches(tmp_path / "n.npz")
    np.savez(tmp_path / "n.npz", a=np.zeros((2, 16, 16, 3)))
    with pytest.raises(PatinaError, match=r"expected arrays of noise \[n, 32, 32, 3\]"):
        recipe({"noise_patches": {"file": str(tmp_path / "n.npz")}}, scale=1).draw("", (40, 40), 0, "a")
    np.save(tmp_path / "n.npy", np.zeros((2, 32, 32, 3)))  # one array without a name holds the patches of one photo
    assert len(read_patches(tmp_path / "n.npy")[0]) == 1


def test_patches_that_changed_since_they_were_drawn_are_refused(tmp_path):
    file, rng = tmp_path / "n.npz", np.random.default_rng(0)
    np.savez(file, a=rng.normal(0, 3, (2, 32, 32, 3)))
    plan = recipe({"noise_patches": {"file": str(file)}}, scale=1).draw("", (40, 40), 0, "a")
    json.dumps(plan[0].parameters)
    read_patches.cache_clear()
    np.savez(file, a=rng.normal(0, 3, (2, 32, 32, 3)))
    with pytest.raises(PatinaError, match="patches changed since they were drawn; restore the file"):
        apply_plan(np.zeros((40, 40, 3), np.float32), plan)
