"""The warning of a colour cast: when it is given, and that training and translation give it."""

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.imaging.colour_shift import colour_shift_warning
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from sets import ludvae_values, write_config, write_pictures


@pytest.mark.parametrize("shift", [[0, 0, 0], [3, -3, 2.9], [-1, 2, 0.5]])
def test_small_shifts_are_passed_over(shift):
    assert colour_shift_warning(shift, "images", is_matched=True) is None


def test_a_large_shift_is_described_by_channel():
    text = colour_shift_warning([20.2, -4, 0], "translated images", is_matched=True)
    assert "translated images differ from the clean images' by +20, -4 and +0 levels" in text
    assert "match_statistics to false" in text


def test_matching_is_no_advice_where_nothing_was_matched():
    assert "match_statistics" not in colour_shift_warning([20.2, -4, 0], "images", is_matched=False)


@pytest.mark.slow
def test_training_and_translation_warn_where_matching_moves_colours(tmp_path, capsys):
    write_pictures(tmp_path / "clean", 2)
    write_pictures(tmp_path / "real", 2, seed=9)
    for path in list_pictures(tmp_path / "real"):
        write_picture(path, np.uint8(read_picture(path).pixels * 0.6))
    values = ludvae_values(tmp_path)
    for matched in (True, False):
        values["data"]["match_statistics"], values["name"] = matched, f"tiny-{matched}"
        config = write_config(tmp_path / f"tiny-{matched}.yml", values)
        assert run_command("train", ["-opt", str(config), "-device", "cpu"]) == 0
        assert ("warning: the average colours of translated images" in capsys.readouterr().err) is matched
    places = ["-source_dir", tmp_path / "clean", "-out_dir", tmp_path / "out", "-opt", tmp_path / "tiny-True.yml"]
    assert run_command("translate", [*map(str, places), "-temperature", "0", "-device", "cpu"]) == 0
    assert "the average colours of translated images differ" in capsys.readouterr().err
