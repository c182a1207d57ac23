"""The measures of `patina evaluate` by name, for help texts: light, so that no help loads more than it needs."""

BY_IMAGE = (
    "mse", "psnr", "psnr_y", "ssim", "ssim_y", "lpips", "ms_ssim", "dists", "efficientnet", "niqe",
)  # fmt: skip
"""Measures of every image, in the order of tables."""

BY_SET = ("fid", "kid", "efficientnet_fd", "efficientnet_kd")
"""Distances of two whole sets of images."""

WITHOUT_GT = ("niqe", *BY_SET)
"""What needs no ground truth (GT); distances of sets need other images to compare with."""
