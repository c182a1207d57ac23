"""The verb that compares residuals, on noise of known form."""

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.pipelines.noise_comparison import noise_table
from sets import write_pictures


@pytest.fixture
def folders(tmp_path):
    clean = tmp_path / "clean"
    for index in range(3):
        write_picture(clean / f"{index}.png", np.full((160, 200, 3), 128, np.uint8))
    rng = np.random.default_rng(0)
    for path in list_pictures(clean):
        white = rng.normal(0, 5, (160, 201, 1)) * [1, 2, 1]
        write_picture(tmp_path / "white" / path.name, np.uint8(np.rint(128 + white[:, :200])))
        paired = (white[:, :200] + white[:, 1:]) / np.sqrt(2)
        write_picture(tmp_path / "paired" / path.name, np.uint8(np.rint(128 + paired)))
    return clean, {"white": tmp_path / "white", "paired": tmp_path / "paired"}


def test_the_table_holds_what_was_added(folders):
    rows = noise_table(*folders).splitlines()[2:]
    numbers = [[float(n) for n in row.replace("|", ",").split(",")[2:-1]] for row in rows]
    np.testing.assert_allclose(numbers[0], [5, 10, 5, 0, 0, 1, 1], atol=0.15)
    np.testing.assert_allclose(numbers[1], [5, 10, 5, 0.5, 0, 1, 1], atol=0.15)


def test_flat_blocks_leave_edges_out(folders, tmp_path, capsys):
    clean, degraded = folders
    for path in list_pictures(clean):
        pixels = read_picture(path).pixels.copy()
        noisy = read_picture(degraded["white"] / path.name).pixels.copy()
        pixels[:, :32:2] = 0
        noisy[:, :32] = 255
        write_picture(path, pixels)
        write_picture(degraded["white"] / path.name, noisy)
    with_edges, flat = (noise_table(clean, {"white": degraded["white"]}, flat=flat) for flat in (False, True))
    deviations = [float(table.splitlines()[2].split("|")[2].split(",")[0]) for table in (with_edges, flat)]
    assert deviations[0] > 40
    assert abs(deviations[1] - 5) < 0.2
    striped = np.zeros((64, 64, 3), np.uint8)
    striped[:, ::2] = 255
    write_picture(tmp_path / "striped/0.png", striped)
    folder = str(tmp_path / "striped")
    assert run_command("noise", ["-clean", folder, "-degraded", f"same={folder}", "-flat"]) == 2
    assert "no image has a flat block" in capsys.readouterr().err


def test_the_sheet_shows_residuals(folders, tmp_path, capsys):
    clean, degraded = folders
    arguments = ["-clean", str(clean), "-degraded", *(f"{name}={folder}" for name, folder in degraded.items())]
    assert run_command("noise", [*arguments, "-out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/noise.md").read_text() == capsys.readouterr().out
    assert read_picture(tmp_path / "out/noise.png").width > 5 * 256


def test_where_nothing_was_added_there_is_no_correlation(folders, tmp_path, capsys):
    clean, degraded = folders
    same = noise_table(clean, {"same": clean}).splitlines()[2]
    assert same == "| same | 0.00, 0.00, 0.00 | -, - | -, - |"
    # One of several pictures without noise leaves the others' correlation.
    mixed = tmp_path / "mixed"
    for number, path in enumerate(list_pictures(clean)):
        source = path if number == 0 else degraded["white"] / path.name
        write_picture(mixed / path.name, read_picture(source).pixels)
    assert "-," not in noise_table(clean, {"mixed": mixed}).splitlines()[2]


def test_mistakes_are_one_line(folders, tmp_path, capsys):
    clean, _ = folders
    assert run_command("noise", ["-clean", str(clean), "-degraded", str(clean)]) == 2
    assert "expected NAME=DIR" in capsys.readouterr().err
    small = write_pictures(tmp_path / "small", 3)
    assert run_command("noise", ["-clean", str(clean), "-degraded", f"small={small}"]) == 2
    assert "differ in size" in capsys.readouterr().err
