"""Keys of other trainers (neosr, traiNNer-redux, BasicSR) and what they are called in our configurations."""

from typing import NamedTuple

from pydantic import BaseModel

from patina.settings_problems import has_place


class Ours(NamedTuple):
    """Our name of another trainer's key.

    Attributes:
        place: of the key in a restoration configuration; where a task trains in one stage, `stages` is `training`.
        remark: what differs; may be empty.
    """

    place: str
    remark: str = ""


_LQ_SIDE = "the side of a GT crop, which is the scale times that of an LQ crop"
_LOSS = "an item of the list, selected by `type`"
_MIXING = "a probability each for mixup, cutmix, resizemix and cutblur"
_BF16 = "bf16-mixed"

FOREIGN_KEYS = {
    "model_type": Ours("task"),
    "manual_seed": Ours("seed"),
    "network_g": Ours("model"),
    "type": Ours("model.architecture"),
    "upscale": Ours("model.scale"),
    "num_feat": Ours("model.features"),
    "num_block": Ours("model.blocks"),
    "num_grow_ch": Ours("model.growth"),
    "network_d": Ours("stages.losses.discriminator", "in the loss of type gan"),
    "datasets": Ours("data"),
    "dataroot_gt": Ours("data.gt"),
    "dataroot_lq": Ours("data.lq"),
    "gt_size": Ours("data.patch"),
    "lq_size": Ours("data.patch", _LQ_SIDE),
    "patch_size": Ours("data.patch", _LQ_SIDE),
    "batch_size": Ours("data.batch"),
    "batch_size_per_gpu": Ours("data.batch"),
    "num_worker_per_gpu": Ours("data.workers"),
    "use_hflip": Ours("data.augment.flip", "a probability"),
    "use_rot": Ours("data.augment.rotate", "a probability"),
    "augmentation": Ours("data.augment", _MIXING),
    "aug_prob": Ours("data.augment", _MIXING),
    "use_moa": Ours("data.augment", _MIXING),
    "moa_augs": Ours("data.augment", _MIXING),
    "moa_probs": Ours("data.augment", _MIXING),
    "val": Ours("validation"),
    "val_freq": Ours("stages.validate_every"),
    "train": Ours("stages", "a list"),
    "total_iter": Ours("stages.steps"),
    "warmup_iter": Ours("stages.warm_up"),
    "optim_g": Ours("stages.optimiser"),
    "lr": Ours("stages.learning_rate"),
    "optim_d": Ours("stages.losses.discriminator.learning_rate", "in the loss of type gan"),
    "scheduler": Ours("stages.milestones", "or stages.cosine"),
    "eta_min": Ours("stages.cosine.lowest"),
    "ema_decay": Ours("stages.ema"),
    "grad_clip": Ours("stages.clip_gradient", "the largest norm"),
    "use_amp": Ours("stages.precision", _BF16),
    "amp_bf16": Ours("stages.precision", _BF16),
    "bfloat16": Ours("stages.precision", _BF16),
    "use_compile": Ours("stages.compile"),
    "path": Ours("stages.init_from", "the model to start from"),
    "pretrain_network_g": Ours("stages.init_from"),
    "strict_load_g": Ours("stages.init_strict"),
    "logger": Ours("stages.log_every", "and stages.save_every"),
    "print_freq": Ours("stages.log_every"),
    "save_checkpoint_freq": Ours("stages.save_every"),
    "pixel_opt": Ours("stages.losses", _LOSS),
    "mssim_opt": Ours("stages.losses", _LOSS),
    "perceptual_opt": Ours("stages.losses", _LOSS),
    "dists_opt": Ours("stages.losses", _LOSS),
    "gan_opt": Ours("stages.losses", _LOSS),
    "ldl_opt": Ours("stages.losses", _LOSS),
    "ff_opt": Ours("stages.losses", _LOSS),
    "loss_weight": Ours("stages.losses.weight"),
    "perceptual_weight": Ours("stages.losses.weight"),
    "layer_weights": Ours("stages.losses.layers"),
    "gan_type": Ours("stages.losses.game"),
    "gt_usm": Ours("stages.losses.sharpened"),
    "l1_gt_usm": Ours("stages.losses.sharpened"),
    "percep_gt_usm": Ours("stages.losses.sharpened"),
    "gan_gt_usm": Ours("stages.losses.sharpened"),
}
"""By the other trainers' names."""

_WHOLE = {"network_g", "datasets", "train", "model_type", "logger"}
"""Keys at the top of other trainers' files."""


def names_here(config: type[BaseModel]) -> dict[str, str]:
    """Return, for the foreign keys that a configuration's class has under another name, this name with a remark."""
    found = {}
    for key, ours in FOREIGN_KEYS.items():
        places = [ours.place, ours.place.replace("stages", "training", 1)]
        place = next((one for one in places if has_place(config, one.split("."))), None)
        if place is not None:
            found[key] = f"{place} ({ours.remark})" if ours.remark else place
    return found


def is_foreign(keys: object) -> bool:
    """Return whether a file's keys at the top are those of another trainer."""
    return isinstance(keys, dict) and len(_WHOLE & {*map(str, keys)}) > 1
