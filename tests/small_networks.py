"""Every network that a configuration can name, at a size that trains in a moment."""

from typing import Any

TINY: dict[str, dict[str, Any]] = {
    "ATD": {"embed_dim": 8, "depths": [2], "num_heads": [2], "window_size": 8, "num_tokens": 4, "reducted_dim": 2,
            "upsampler": "pixelshuffle"},
    "CRAFT": {"embed_dim": 12, "depths": [1], "num_heads": [2]},
    "Compact": {"num_feat": 8, "num_conv": 2},
    "DAT": {"embed_dim": 16, "depth": [2], "num_heads": [2]},
    "DCTLSA": {"nf": 10, "num_modules": 6},
    "DITN": {"dim": 8, "ITL_blocks": 1, "SAL_blocks": 1, "UFONE_blocks": 1},
    "DRCT": {"embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 16, "gc": 4, "upsampler": "pixelshuffle"},
    "DRUNet": {"scale": 1, "in_nc": 4, "out_nc": 3, "nc": [8, 8, 8, 8], "nb": 2},
    "DnCNN": {"scale": 1, "in_nc": 3, "out_nc": 3, "nc": 8, "nb": 8, "act_mode": "R"},
    "ESRGAN": {"num_filters": 8, "num_blocks": 1},
    "FBCNN": {"scale": 1, "nc": [8, 8, 8, 512], "nb": 2},
    "FDAT": {"embed_dim": 8, "num_groups": 1, "depth_per_group": 1, "num_heads": 2, "mid_dim": 16,
             "aim_reduction_ratio": 2},
    "FFTformer": {"scale": 1, "dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1},
    "GRL": {"embed_dim": 8, "depths": [1], "num_heads_window": [1], "num_heads_stripe": [1], "window_size": 32,
            "stripe_size": [64, 64], "stripe_shift": True, "anchor_window_down_factor": 4,
            "upsampler": "pixelshuffledirect"},
    "HAT": {"embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 8, "squeeze_factor": 4},
    "HVICIDNet": {"scale": 1, "channels": [8, 8, 8, 8]},
    "IPT": {"patch_size": 12, "n_feats": 12, "num_layers": 1},
    "KBNet_l": {"scale": 1, "dim": 24, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1},
    "KBNet_s": {"scale": 1, "width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "MMRealSR": {"scale": 4, "num_feat": 8, "num_block": 1, "num_grow_ch": 4, "num_feats": [8, 8],
                 "num_blocks": [1, 1], "downscales": [2, 1]},
    "MixDehazeNet": {"scale": 1, "embed_dims": [8, 8, 8, 8, 8], "depths": [1, 1, 1, 1, 1]},
    "MoESR": {"dim": 8, "n_blocks": 1, "n_block": 1, "upsample_dim": 8},
    "MoSR": {"dim": 8, "n_block": 1},
    "NAFNet": {"scale": 1, "width": 8, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "OmniSR": {"num_feat": 8},
    "PLKSR": {"dim": 8, "n_blocks": 1, "kernel_size": 5},
    "RCAN": {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16},
    "RGT": {"embed_dim": 8, "depth": [1], "num_heads": [2]},
    "RealPLKSR": {"dim": 8, "n_blocks": 1, "kernel_size": 5},
    "RetinexFormer": {"scale": 1, "n_feat": 8, "stage": 1},
    "SAFMN": {"dim": 8, "n_blocks": 1},
    "SAFMNBCIE": {"scale": 1, "dim": 8, "n_blocks": 1, "num_layers": 1, "upscaling_factor": 2},
    "SCUNet": {"scale": 1, "config": [1, 1, 1, 1, 1, 1, 1]},
    "SPAN": {"feature_channels": 8},
    "SeemoRe": {"embedding_dim": 8, "num_experts": 1, "num_layers": 1},
    "SwiftSRGAN": {"num_channels": 8, "num_blocks": 1},
    "Swin2SR": {"embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 8, "upsampler": "pixelshuffledirect"},
    "SwinIR": {"embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 8, "upsampler": "pixelshuffledirect"},
    "UpCunet2x": {},
    "UpCunet2x_fast": {},
    "UpCunet3x": {"scale": 3},
    "UpCunet4x": {"scale": 4},
    "compact": {"features": 8, "blocks": 1},
    "dncnn": {"scale": 1, "features": 8, "layers": 8},
    "msrresnet": {"features": 8, "blocks": 1},
    "realplksr": {"features": 8, "blocks": 1, "kernel": 5},
    "rrdbnet": {"features": 8, "blocks": 1, "growth": 4},
}  # fmt: skip
"""Parameters by name; the scale is 2 unless given."""

GREY: dict[str, dict[str, Any]] = {
    "Compact": {"num_in_ch": 1, "num_out_ch": 1},
    "DRUNet": {"in_nc": 2, "out_nc": 1},
    "DnCNN": {"in_nc": 1, "out_nc": 1},
    "ESRGAN": {"in_nc": 1, "out_nc": 1},
    "SPAN": {"num_in_ch": 1, "num_out_ch": 1, "norm": False},
    "SwinIR": {"in_chans": 1},
}
"""Parameters of networks with one channel, beside those in `TINY`."""

REFUSED = {
    "AuraSR": "cannot be built",
    "GFPGAN": "restores aligned faces only",
    "LaMa": "has scale 1, 2 input and 3 output channels",
    "RestoreFormer": "restores aligned faces only",
    "Uformer": "takes square images only",
}
"""Networks for other work, and what the message says."""
