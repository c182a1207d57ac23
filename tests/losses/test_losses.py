"""Huber, consistency, LDL, focal frequency, MS-SSIM, DISTS and sharpened targets, against others and mathematics."""

import cv2
import numpy as np
import pytest
import scipy.special
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import structural_similarity

from patina.degradations.sharpening import UnsharpMask
from patina.errors import WeightsMissing
from patina.losses.artifacts import artifact_map, ldl
from patina.losses.consistency import colour_consistency, luma_consistency
from patina.losses.frequency import focal_frequency
from patina.losses.pixel import huber
from patina.losses.sharpened_target import SharpenedTarget
from patina.losses.structure import DistsLoss, ms_ssim_loss
from patina.metrics.backbones import VGG16


def rgb(seed: int, side: int = 24, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_huber_is_scipys():
    a, b = rgb(1), rgb(2)
    expected = scipy.special.huber(0.2, (a - b).numpy()).mean() / 0.2
    assert huber(a, b, 0.2).item() == pytest.approx(expected)
    assert huber(a, b, 1e-9).item() == pytest.approx((a - b).abs().mean().item())


class TestConsistency:
    @pytest.mark.parametrize("window", [1, 4])
    def test_are_differences_of_scikit_images_ycbcr(self, window):
        planes = []
        for picture in (rgb(1), rgb(2)):
            small = torch.nn.functional.avg_pool2d(picture, window)
            planes.append(rgb2ycbcr(small.permute(0, 2, 3, 1).numpy()))
        luma, *chroma = np.abs(planes[0] - planes[1]).mean((0, 1, 2))
        assert luma_consistency(rgb(1), rgb(2), window).item() == pytest.approx(luma / 219, rel=1e-4)
        assert colour_consistency(rgb(1), rgb(2), window).item() == pytest.approx(np.mean(chroma) / 224, rel=1e-4)

    def test_see_only_their_own(self):
        picture = 0.2 + 0.5 * rgb(1)
        assert colour_consistency(picture + 0.1, picture).item() == pytest.approx(0, abs=1e-12)
        assert luma_consistency(picture + 0.1, picture).item() == pytest.approx(0.1)
        checkers = torch.tensor([[0.1, -0.1], [-0.1, 0.1]], dtype=torch.float64).repeat(12, 12)
        assert luma_consistency(picture + checkers, picture).item() == pytest.approx(0, abs=1e-12)


class TestLdl:
    def reference(self, result, truth, averaged, window=7):
        """The paper's equations in loops over numpy arrays, for one picture."""
        residual, steady = (np.abs(truth - other).sum(0) for other in (result, averaged))
        padded, half = np.pad(residual, window // 2, mode="reflect"), window
        local = np.array(
            [
                [padded[y : y + half, x : x + half].var(ddof=1) for x in range(residual.shape[1])]
                for y in range(residual.shape[0])
            ]
        )
        return np.where(residual < steady, 0, residual.var(ddof=1) ** 0.2 * local)

    def test_the_map_is_the_papers(self):
        pictures = [rgb(seed, side=12) for seed in (1, 2, 3)]
        found = artifact_map(*pictures).numpy()
        for index in range(2):
            expected = self.reference(*(picture[index].numpy() for picture in pictures))
            np.testing.assert_allclose(found[index, 0], expected, rtol=1e-9)
        assert (found == 0).any()
        assert (found > 0).any()

    def test_nothing_is_penalised_where_the_averaged_generator_is_worse(self):
        truth = rgb(1)
        assert ldl(truth + 0.01 * rgb(2), truth, truth + 1).item() == 0

    def test_the_map_is_constant_to_the_gradient(self):
        result, truth, averaged = rgb(1).requires_grad_(), rgb(2), rgb(3)
        ldl(result, truth, averaged).backward()
        weight = artifact_map(result.detach(), truth, averaged)
        expected = weight * (result.detach() - truth).sign() / result.numel()
        torch.testing.assert_close(result.grad, expected)


class TestFocalFrequency:
    def test_unweighted_it_is_the_squared_error(self):
        a, b = rgb(1), rgb(2)
        assert focal_frequency(a, b, alpha=0).item() == pytest.approx((a - b).square().mean().item())

    def test_is_the_papers_formula(self):
        a, b = rgb(1), rgb(2)
        distance = np.abs(np.fft.fft2(a.numpy(), norm="ortho") - np.fft.fft2(b.numpy(), norm="ortho"))
        weight = distance / distance.max((-2, -1), keepdims=True)
        assert focal_frequency(a, b).item() == pytest.approx((weight * distance**2).mean())

    def test_equal_pictures_have_neither_loss_nor_gradient(self):
        a = rgb(1).requires_grad_()
        loss = focal_frequency(a, rgb(1))
        loss.backward()
        assert loss.item() == 0
        assert torch.equal(a.grad, torch.zeros_like(a))


class TestMsSsim:
    def test_one_scale_is_scikit_images_ssim(self):
        a, b = rgb(1, side=32), (rgb(1, side=32) + 0.3 * rgb(2, side=32)).clamp(0, 1)
        options = {"channel_axis": 0, "data_range": 1, "gaussian_weights": True, "use_sample_covariance": False}
        scores = [
            structural_similarity(x.numpy(), y.numpy(), sigma=1.5, full=True, **options)[1]
            for x, y in zip(a, b, strict=True)
        ]
        inside = np.mean([score[:, 5:-5, 5:-5].mean() for score in scores])
        assert ms_ssim_loss(a, b, scales=1).item() == pytest.approx((1 - inside) / 2, abs=1e-3)

    def test_equal_pictures_have_no_loss_and_worse_ones_more(self):
        a, noise = (rgb(seed, side=176, count=1).float() for seed in (1, 2))
        losses = [ms_ssim_loss(a + strength * noise, a).item() for strength in (0, 0.1, 0.5)]
        assert losses[0] == pytest.approx(0, abs=1e-6)
        assert losses[0] < losses[1] < losses[2]

    def test_the_gradient_is_finite_where_pictures_are_opposites(self):
        a = rgb(1, side=48, count=1).float().requires_grad_()
        ms_ssim_loss(a, 1 - a.detach(), scales=3).backward()
        assert torch.isfinite(a.grad).all()


class TestDists:
    def test_measures_distance_and_gives_it_a_gradient(self, vgg16):
        loss, a, b = DistsLoss(), rgb(1, side=32).float().requires_grad_(), rgb(2, side=32).float()
        assert loss(b, b).item() == pytest.approx(0, abs=1e-5)
        distance = loss(a, b)
        distance.backward()
        assert distance.item() > 1e-3
        assert a.grad.abs().sum() > 0
        assert not any(parameter.requires_grad for parameter in loss.parameters())

    def test_missing_weights_are_one_line(self, hub):
        with pytest.raises(WeightsMissing, match=rf"{VGG16}.*train without `dists`") as caught:
            DistsLoss()
        assert "\n" not in str(caught.value)


class TestSharpenedTarget:
    def reference(self, picture: np.ndarray) -> np.ndarray:
        def blurred(values):
            return cv2.GaussianBlur(values, (51, 51), 8, borderType=cv2.BORDER_REFLECT_101)

        detail = picture - blurred(picture)
        mask = blurred((np.abs(detail) * 255 > 10).astype(np.float32))
        return mask * np.clip(picture + 0.5 * detail, 0, 1) + (1 - mask) * picture

    def test_equals_opencv(self):
        batch = torch.nn.functional.interpolate(rgb(1, side=16).float(), 64, mode="bicubic").clamp(0, 1)
        for sharp, picture in zip(SharpenedTarget()(batch), batch, strict=True):
            expected = self.reference(picture.permute(1, 2, 0).numpy())
            np.testing.assert_allclose(sharp.permute(1, 2, 0).numpy(), expected, atol=1e-4)

    def test_is_the_recipes_step_away_from_borders(self):
        picture = torch.nn.functional.interpolate(rgb(1, side=24, count=1).float(), 192, mode="bicubic").clamp(0, 1)
        pixels = picture[0].permute(1, 2, 0).numpy()
        drawn = {"sigma": 8.0, "amount": 0.5, "threshold": 10.0, "soft_mask": True}
        step = UnsharpMask.apply(pixels, drawn, 0)
        ours = SharpenedTarget()(picture)[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(ours[64:-64, 64:-64], step[64:-64, 64:-64], atol=0.01)
        assert np.abs(ours - pixels).max() > 0.05

    def test_flat_pictures_stay(self):
        flat = torch.full((1, 3, 40, 40), 0.3)
        torch.testing.assert_close(SharpenedTarget()(flat), flat)
