import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from patina.data.batches import StepBatches
from patina.data.cache import PictureCache
from patina.data.order import ShuffledOrder
from patina.data.pairs import PairedPatches, draw_orientation, match_pairs, orient
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import write_picture


def coordinates(height, width):
    """A picture that says where every pixel lies: red is the column, green the row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def enlarge(pixels, scale):
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.fixture
def folders(tmp_path):
    """Seven pairs of different sizes, scale 2, marked by their number in the blue channel."""
    for index in range(7):
        lq = coordinates(20 + index, 30 - index)
        lq[..., 2] = index
        write_picture(tmp_path / "lq" / f"photo {index + 5}.png", lq)
        write_picture(tmp_path / "gt" / f"photo {index + 5}.bmp", enlarge(lq, 2))
    return tmp_path / "lq", tmp_path / "gt"


def test_names_match_by_a_template(folders):
    lq, gt = folders
    for path in list(lq.iterdir()):
        path.rename(lq / f"x_{path.stem}x2.png")
    pairs = match_pairs(lq, gt, 2, "x_{}x2")
    assert (pairs[0].stem, pairs[0].lq.name) == ("photo 5", "x_photo 5x2.png")
    assert len(pairs) == 7
    for path in list(lq.iterdir())[:2]:
        path.rename(lq / f"{path.stem}_odd.png")
    with pytest.raises(PatinaError, match=r"_odd\.png is not named like x_\{\}x2; .*_odd\.png is not named like"):
        match_pairs(lq, gt, 2, "x_{}x2")


def dataset(folders, **options):
    options = {"patch": 16, "scale": 2, "batch": 4, "seed": 3, "cache_mb": 1} | options
    return PairedPatches(match_pairs(*folders, 2), **options)


def blue(sample):
    """The number of the picture a sample was cut from."""
    return round(float(sample["lq"][2, 0, 0]) * 255)


def test_pairs_are_matched_by_stem_in_natural_order(folders):
    pairs = match_pairs(*folders, 2)
    assert [pair.stem for pair in pairs] == [f"photo {number}" for number in range(5, 12)]
    assert all(pair.lq.suffix == ".png" and pair.gt.suffix == ".bmp" for pair in pairs)


def test_a_missing_partner_is_named(folders):
    lq, gt = folders
    (gt / "photo 7.bmp").unlink()
    with pytest.raises(PatinaError, match=r"lq.photo 7\.png has no partner .* in .*gt"):
        match_pairs(lq, gt, 2)
    (lq / "photo 7.png").unlink()
    (lq / "photo 8.png").unlink()
    (lq / "photo 9.png").unlink()
    with pytest.raises(PatinaError, match=r"gt.photo 8\.bmp has no partner .* in .*lq; .*gt.photo 9\.bmp has no"):
        match_pairs(lq, gt, 2)


def odd_pairs(tmp_path, count, size):
    for number in range(count):
        write_picture(tmp_path / "lq" / f"{number}.png", coordinates(20, 30))
        write_picture(tmp_path / "gt" / f"{number}.png", coordinates(*size))
    return tmp_path / "lq", tmp_path / "gt"


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (3, 3), (10, 10), (11, 10), (25, 10)])
def test_all_that_is_wrong_is_listed_with_a_count_past_ten(tmp_path, count, shown):
    lq, gt = odd_pairs(tmp_path, count, (40, 59))
    with pytest.raises(PatinaError) as wrong_scale:
        match_pairs(lq, gt, 2)
    odd_pairs(tmp_path, count, (40, 60))
    with pytest.raises(PatinaError) as too_small:
        PairedPatches(match_pairs(lq, gt, 2), patch=64, scale=2, batch=1, seed=0)
    for path in lq.iterdir():
        path.rename(lq / f"other {path.name}")
    with pytest.raises(PatinaError) as alone:
        match_pairs(lq, gt, 2)
    for caught, total in ((wrong_scale, count), (too_small, count), (alone, 2 * count)):
        told = str(caught.value)
        assert "\n" not in told
        assert told.count(".png") >= min(total, 10)
        assert (f"; and {total - 10} more" in told) == (total > 10)
    assert str(wrong_scale.value).count("is 59x40") == shown
    assert str(too_small.value).count("smaller than the patch of 64") == shown


def test_pictures_that_cannot_be_read_are_in_the_list_too(tmp_path):
    lq, gt = odd_pairs(tmp_path, 3, (40, 59))
    (gt / "1.png").write_bytes(b"no image")
    with pytest.raises(PatinaError, match=r"0\.png is 59x40; .*1\.png is .*; .*2\.png is 59x40; expected"):
        match_pairs(lq, gt, 2)


def test_a_stem_that_occurs_twice_is_refused(folders):
    lq, gt = folders
    write_picture(gt / "photo 7.png", coordinates(44, 56))
    with pytest.raises(PatinaError, match=r"photo 7\.(bmp|png) and .*photo 7\.(bmp|png)"):
        match_pairs(lq, gt, 2)


def test_a_wrong_size_is_refused_with_both_names_and_sizes(folders):
    lq, gt = folders
    write_picture(gt / "photo 6.bmp", coordinates(42, 57))
    with pytest.raises(PatinaError, match=r"photo 6\.png is 29x21 and .*photo 6\.bmp is 57x42; .*2 times"):
        match_pairs(lq, gt, 2)


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "lq").mkdir()
    (tmp_path / "gt").mkdir()
    with pytest.raises(PatinaError, match="lq"):
        match_pairs(tmp_path / "lq", tmp_path / "gt", 2)


@pytest.mark.parametrize("probability", [0, 0.5])
def test_patches_are_aligned(folders, probability):
    data = dataset(folders, flip=probability, rotate=probability)
    places = set()
    for slot in range(40):
        sample = data[1, slot]
        assert sample["lq"].shape == (3, 8, 8)
        assert sample["gt"].shape == (3, 16, 16)
        larger = sample["lq"].repeat_interleave(2, 1).repeat_interleave(2, 2)
        assert torch.equal(larger, sample["gt"])
        places.add(tuple(sample["lq"].amin(dim=(1, 2)).tolist()))
    assert len(places) > 30


def test_crops_reach_every_border(folders):
    data = dataset(folders, flip=0, rotate=0, patch=40)
    tops = {round(float(data[step, 0]["lq"][1].min()) * 255) for step in range(1, 120)}
    assert tops == set(range(7))


def test_all_eight_orientations_occur_and_none_without_augmentation(folders):
    def directions(data):
        found = set()
        for slot in range(60):
            (x, y, _) = data[1, slot]["lq"]
            along = float(x[0, 1] - x[0, 0]), float(y[0, 1] - y[0, 0]), float(x[1, 0] - x[0, 0])
            found.add((*np.sign(along).astype(int), int(np.sign(float(y[1, 0] - y[0, 0])))))
        return found

    assert len(directions(dataset(folders))) == 8
    assert directions(dataset(folders, flip=0, rotate=0)) == {(1, 0, 0, 1)}


def test_orientations_are_the_symmetries_of_the_square():
    picture = np.arange(4).reshape(2, 2, 1)
    assert len({orient(picture, index).tobytes() for index in range(8)}) == 8
    assert np.array_equal(orient(picture, 0), picture)


def test_all_pictures_are_seen_equally_often(folders):
    data = dataset(folders, batch=4)
    seen = [blue(data[step, slot]) for step in range(1, 8) for slot in range(4)]
    assert [seen.count(index) for index in range(7)] == [4] * 7
    assert sorted(seen[:7]) == list(range(7))
    assert seen[:7] != seen[7:14]


def test_samples_depend_on_seed_step_and_slot_alone(folders):
    one, other = dataset(folders), dataset(folders)
    [one[step, 0] for step in range(1, 6)]
    assert torch.equal(one[9, 2]["gt"], other[9, 2]["gt"])
    assert not torch.equal(one[9, 2]["gt"], one[9, 3]["gt"])
    different = [not torch.equal(one[s, 0]["gt"], dataset(folders, seed=4)[s, 0]["gt"]) for s in range(1, 6)]
    assert any(different)


def test_workers_and_resuming_change_nothing(folders):
    data = dataset(folders)
    whole = list(DataLoader(data, batch_sampler=StepBatches(range(4), 1, 6)))
    resumed = list(DataLoader(data, batch_sampler=StepBatches(range(4), 4, 6), num_workers=2))
    assert len(whole) == len(StepBatches(range(4), 1, 6)) == 6
    assert len(resumed) == 3
    for expected, found in zip(whole[3:], resumed, strict=True):
        assert expected["lq"].shape == (4, 3, 8, 8)
        assert torch.equal(expected["lq"], found["lq"])
        assert torch.equal(expected["gt"], found["gt"])


def test_unusable_patches_are_refused(folders):
    with pytest.raises(PatinaError, match=r"photo 5\.bmp.*60x40.*patch of 42"):
        dataset(folders, patch=42)
    with pytest.raises(PatinaError, match="multiple of the scale 2"):
        dataset(folders, patch=15)
    with pytest.raises(PatinaError, match="no images"):
        PairedPatches([], patch=16, scale=2, batch=4, seed=0)


def test_16_bit_pictures_keep_their_depth(tmp_path):
    pixels = np.full((8, 8, 3), 1000, np.uint16)
    write_picture(tmp_path / "lq" / "a.png", pixels)
    write_picture(tmp_path / "gt" / "a.png", pixels)
    pairs = match_pairs(tmp_path / "lq", tmp_path / "gt", 1)
    sample = PairedPatches(pairs, patch=8, scale=1, batch=1, seed=0)[1, 0]
    torch.testing.assert_close(sample["gt"], torch.full((3, 8, 8), 1000 / 65535))


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_order_is_a_permutation_each_epoch_and_random_access(n):
    order = ShuffledOrder(n, 7)
    forward = [order(position) for position in range(3 * n)]
    assert [sorted(forward[e * n : (e + 1) * n]) for e in range(3)] == [list(range(n))] * 3
    backward = [ShuffledOrder(n, 7)(position) for position in reversed(range(3 * n))]
    assert backward[::-1] == forward
    if n == 100:
        assert forward[:n] != forward[n : 2 * n]
        assert forward[:n] != [ShuffledOrder(n, 8)(position) for position in range(n)]


def test_cache_keeps_the_most_recently_used(tmp_path, monkeypatch):
    reads = []

    def read(path, alpha):
        reads.append((path.name, alpha))
        return type("Picture", (), {"pixels": np.zeros((10, 10, 3), np.uint8)})

    monkeypatch.setattr("patina.data.cache.read_picture", read)
    cache = PictureCache(max_bytes=650)
    for name in "abacab":
        cache.get(tmp_path / name)
    assert [name for name, _ in reads] == ["a", "b", "c", "b"]
    assert {alpha for _, alpha in reads} == {"refuse"}


def test_cache_holds_nothing_larger_than_its_limit(tmp_path):
    write_picture(tmp_path / "a.png", coordinates(10, 10))
    cache = PictureCache(max_bytes=299)
    assert cache.get(tmp_path / "a.png") is not cache.get(tmp_path / "a.png")
    cache = PictureCache(max_bytes=300)
    assert cache.get(tmp_path / "a.png") is cache.get(tmp_path / "a.png")


def test_cached_pixels_cannot_be_changed_and_alpha_is_refused(tmp_path):
    write_picture(tmp_path / "a.png", coordinates(10, 10))
    cache = PictureCache(max_bytes=1 << 20)
    with pytest.raises(ValueError, match="read-only"):
        cache.get(tmp_path / "a.png")[0, 0] = 0
    write_picture(tmp_path / "b.png", coordinates(10, 10), np.full((10, 10), 99, np.uint8))
    with pytest.raises(PictureError, match=r"b\.png"):
        cache.get(tmp_path / "b.png")


def test_probabilities_of_orientation_are_met():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_orientation(rng, 0.2, 0.9) for _ in range(2000)])
    for bit, expected in ((0, 0.2), (1, 0.2), (2, 0.9)):
        assert (drawn >> bit & 1).mean() == pytest.approx(expected, abs=0.04)
    assert {draw_orientation(rng, 0, 0) for _ in range(20)} == {0}
    assert {draw_orientation(rng, 1, 1) for _ in range(20)} == {7}


def test_patches_grow_by_the_schedule(folders):
    data = dataset(folders, patch={1: 16, 3: 32})
    assert [data[step, 0]["gt"].shape[-1] for step in (1, 2, 3)] == [16, 16, 32]
    assert data[3, 0]["lq"].shape == (3, 16, 16)
