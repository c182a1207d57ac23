"""Augmentations that mix a batch: both patches of a pair are changed alike."""

import pytest
import torch

from patina.data.batch_mixing import MIXINGS, cutblur, cutmix, mixed, mixup, resizemix
from patina.data.patch_sizes import PatchSizes

SCALE = 2


def batch(count: int = 4, side: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs whose low-quality patch is the mean over squares of the true one, so alignment can be seen."""
    gt = torch.rand(count, 3, side * SCALE, side * SCALE, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(gt, SCALE), gt


@pytest.mark.parametrize("mixing", [mixup, cutmix])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_stay_aligned(mixing, seed):
    torch.manual_seed(seed)
    lq, gt = mixing(*batch())
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(gt, SCALE), lq)
    assert not torch.equal(gt, batch()[1])


def test_mixup_is_a_blend_of_two_pairs():
    torch.manual_seed(0)
    constant = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 4, 4) / 4
    lq, gt = mixup(constant, constant.repeat_interleave(2, 2).repeat_interleave(2, 3))
    torch.testing.assert_close(gt.mean((1, 2, 3)), lq.mean((1, 2, 3)))
    assert gt.mean().item() == pytest.approx(constant.mean().item())


def test_cutmix_takes_a_square_of_one_other_pair():
    constant = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 8, 8) / 4
    for seed in range(10):
        torch.manual_seed(seed)
        lq, _ = cutmix(constant, constant.repeat_interleave(2, 2).repeat_interleave(2, 3))
        changed = (lq != constant).any(1)
        for region, value in zip(changed, lq, strict=True):
            rows, columns = region.any(1).sum(), region.any(0).sum()
            assert region.sum() == rows * columns
            assert rows == columns
            assert len(value.unique()) <= 2


def test_resizemix_puts_the_whole_other_picture_in():
    constant = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 8, 8) / 4
    ramp = constant + torch.linspace(0, 0.2, 8)
    torch.manual_seed(1)
    lq, gt = resizemix(ramp, ramp.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert gt.shape == (4, 3, 16, 16)
    assert not torch.equal(lq, ramp)
    changed = (lq != ramp).any(1).any(0)
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(gt, 2)[..., changed], lq[..., changed], atol=0.03, rtol=0)


def test_cutblur_gives_clean_pixels_to_a_part_and_leaves_the_truth():
    lq, gt = batch()
    clean = torch.nn.functional.interpolate(gt, lq.shape[-2:], mode="bicubic", antialias=True).clamp(0, 1)
    shares = []
    for seed in range(20):
        torch.manual_seed(seed)
        changed, same = cutblur(torch.zeros_like(lq), gt)
        assert same is gt
        is_clean = (changed == clean).all(1)
        assert (is_clean | (changed == 0).all(1)).all()
        shares.append(is_clean.float().mean().item())
    assert min(shares) < 0.4 < 0.6 < max(shares)


def test_probabilities_are_met_and_exclude_each_other(monkeypatch):
    counts = dict.fromkeys(MIXINGS, 0)

    def counted(name):
        def mixing(lq, gt):
            counts[name] += 1
            return lq, gt

        return mixing

    for name in MIXINGS:
        monkeypatch.setitem(MIXINGS, name, counted(name))
    torch.manual_seed(0)
    for _ in range(1000):
        mixed(*batch(2, 4), {"mixup": 0.5, "cutmix": 0.1, "resizemix": 0.0, "cutblur": 0.2})
    assert counts["mixup"] == pytest.approx(500, abs=60)
    assert counts["cutmix"] == pytest.approx(100, abs=40)
    assert counts["resizemix"] == 0
    assert counts["cutblur"] == pytest.approx(200, abs=50)


def test_nothing_asked_for_leaves_the_batch():
    lq, gt = batch()
    same = mixed(lq, gt, dict.fromkeys(MIXINGS, 0.0))
    assert same[0] is lq
    assert same[1] is gt


def test_patch_sizes_change_at_their_steps():
    sizes = PatchSizes({5: 96, 1: 64, 9: 32})
    assert [sizes.at(step) for step in (1, 4, 5, 8, 9, 100)] == [64, 64, 96, 96, 32, 32]
    assert sizes.largest == 96
    assert PatchSizes(48).at(7) == 48
    with pytest.raises(ValueError, match="begins at step 1"):
        PatchSizes({2: 64})
