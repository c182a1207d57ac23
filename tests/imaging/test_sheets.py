"""Contact sheets: every pixel in its place, titles where there is room."""

import numpy as np
import pytest

from patina.imaging.sheets import LIGHT, sheet

RED, BLUE = np.full((40, 60, 3), (255, 0, 0), np.uint8), np.full((30, 50, 3), (0, 0, 255), np.uint8)


def bounds(image: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((image == colour).all(-1))
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


def test_pictures_are_whole_and_margins_equal() -> None:
    result = sheet([[RED, BLUE]], ["red", "blue"])
    top, bottom, left, right = bounds(result, (255, 0, 0))
    assert (bottom - top, right - left) == (40, 60)
    blue_top, blue_bottom, blue_left, blue_right = bounds(result, (0, 0, 255))
    assert (blue_bottom - blue_top, blue_right - blue_left) == (30, 50)
    assert left == blue_left - right == result.shape[1] - blue_right == result.shape[0] - bottom
    assert (blue_top + blue_bottom) == (top + bottom)


def test_zoom_repeats_pixels() -> None:
    pattern = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    result = sheet([[pattern]], [""], zoom=4)
    block = pattern.repeat(4, 0).repeat(4, 1)
    assert any(
        np.array_equal(result[y : y + 20, x : x + 24], block)
        for y in range(result.shape[0] - 19)
        for x in range(result.shape[1] - 23)
    )


def test_titles_are_drawn() -> None:
    bare = sheet([[RED], [BLUE]], [""])
    titled = sheet([[RED], [BLUE]], ["photo"], ["first row", "second"])
    assert (bare[:25] == LIGHT).all()
    assert not (titled[:25] == LIGHT).all()
    left = bounds(titled, (255, 0, 0))[2]
    assert left > 60
    assert not (titled[40:, :left] == LIGHT).all()


def test_long_titles_stay_in_their_column() -> None:
    result = sheet([[RED, BLUE]], ["a title much too long for a narrow column", ""])
    right = bounds(result, (255, 0, 0))[3]
    assert (result[:30, right:] == LIGHT).all()


@pytest.mark.parametrize(
    ("rows", "columns", "row_titles"),
    [([], ["a"], None), ([[RED]], [], None), ([[RED], [RED, BLUE]], ["a", "b"], None), ([[RED]], ["a"], ["x", "y"])],
)
def test_grids_that_do_not_fit(rows: list, columns: list, row_titles: list | None) -> None:
    with pytest.raises(ValueError):
        sheet(rows, columns, row_titles)
