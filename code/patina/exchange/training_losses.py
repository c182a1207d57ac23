"""Losses in training options of other tools, as settings of ours."""

import math
from collections.abc import Callable
from typing import Any

from patina.exchange.recipe_parts import tidy
from patina.exchange.sections import Section

Loss = dict[str, Any]

_GAMES = {"vanilla": "vanilla", "bce": "vanilla", "lsgan": "lsgan", "mse": "lsgan", "hinge": "hinge", "wgan": "wgan",
          "wgan_softplus": "wgan_softplus"}  # fmt: skip
_UNETS = ("unet", "unetdiscriminatorsn")
_VGGS = ("vggstylediscriminator", "vgg")
_SCALES_BY_PATCH = ((176, 5), (99, 4), (44, 3), (11, 2))
"""Number of scales of MS-SSIM by the smallest crop that it accepts."""

_NO_CHOICE = ("reduction", "real_label_val", "fake_label_val", "test_y_channel", "use_input_norm", "range_norm",
              "vgg_type", "as_loss", "load_weights", "clip_min", "channels", "downsample", "is_prod", "color_space",
              "include_luminance", "cosim", "cosim_lambda", "w_lambda", "alpha", "patch_factor", "ave_spectrum",
              "log_matrix", "batch_matrix")  # fmt: skip
"""Details of losses that ours fix."""


class LossReader:
    """Converts losses.

    Args:
        root: the file.
        patch: smallest side of a crop of ground truth in pixels.
        sharpened: whether losses compare with sharpened ground truth, by kind: "pixel", "perceptual", "gan".
    """

    def __init__(self, root: Section, patch: int, sharpened: dict[str, bool]):
        self.root, self.patch, self.sharpened = root, patch, sharpened
        self.found: list[Loss] = []

    def read(self, train: Section) -> list[Loss]:
        """Return our losses for a list `losses`, or for sections whose names end in `_opt`."""
        sections = train.sections("losses")
        for key in train:
            if key.endswith("_opt") and (section := train.section(key)) is not None:
                sections = [*sections, section]
        for section in sections:
            self._one(section)
        return self.found

    def _one(self, section: Section) -> None:
        kind = section.text("type").lower().replace("_", "").removesuffix("loss")
        weight = section.number("loss_weight", 1.0) * section.number("perceptual_weight", 1.0)
        if weight <= 0:
            section.skip(*section)
            return
        if kind not in _KINDS:
            section.skip(*section)
            section.lost("type", what=section.text("type"))
            return
        criterion = section.text("criterion", "l1")
        if criterion not in ("l1", "charbonnier") and kind not in ("gan",):
            section.differs("criterion", f"{criterion}: L1 instead")
        section.skip("criterion")
        for loss in _KINDS[kind](self, section):
            self.found.append({**loss, **({} if weight == 1 else {"weight": tidy(weight)})})
        section.skip(*_NO_CHOICE)

    def huber(self, section: Section) -> list[Loss]:
        """Huber loss."""
        return [{"type": "huber", **({"delta": section.number("delta")} if "delta" in section else {})}]

    def charbonnier(self, section: Section) -> list[Loss]:
        """Charbonnier loss; their eps is added to the square, ours is squared."""
        eps = math.sqrt(max(1e-12, section.number("eps", 1e-12)))
        return [{"type": "charbonnier", "eps": float(f"{eps:.6g}")}]

    def l1(self, section: Section) -> list[Loss]:
        """L1."""
        return [self._sharp({"type": "l1"}, "pixel")]

    def ms_ssim(self, section: Section) -> list[Loss]:
        """MS-SSIM, with as many scales as crops allow."""
        scales = next((scales for side, scales in _SCALES_BY_PATCH if self.patch >= side), 1)
        if scales < 5:
            section.remarks.add(f"ms_ssim: {scales} scales, as crops have {self.patch} pixels a side", section.line)
        return [{"type": "ms_ssim", **({} if scales == 5 else {"scales": scales})}]

    def perceptual(self, section: Section) -> list[Loss]:
        """Distance of VGG19's features."""
        layers = section.section("layer_weights")
        weights = {layer: layers.number(layer) for layer in layers} if layers else {}
        if section.number("style_weight", 0) > 0:
            section.lost("style_weight")
        section.skip("patchloss", "ipk", "patch_weight", "num_proj_fd", "phase_weight_fd", "stride_fd")
        loss: Loss = {"type": "perceptual", **({"layers": weights} if weights else {})}
        return [self._sharp(loss, "perceptual")]

    def gan(self, section: Section) -> list[Loss]:
        """Adversarial loss with its discriminator."""
        game = section.text("gan_type", "vanilla")
        if game not in _GAMES:
            section.differs("gan_type", f"{game}: vanilla instead")
        discriminator = self._discriminator()
        return [
            self._sharp({"type": "gan", "game": _GAMES.get(game, "vanilla"), "discriminator": discriminator}, "gan")
        ]

    def _discriminator(self) -> dict[str, Any]:
        found: dict[str, Any] = {"architecture": "unet"}
        network = self.root.section("network_d")
        if network is not None:
            network.skip(*network)
            name = network.text("type").lower().replace("_", "")
            if name in _VGGS:
                found["architecture"] = "vgg"
            elif name not in _UNETS:
                network.differs("type", f"{network.text('type')}: unet instead")
            if "num_feat" in network:
                found["features"] = int(network.number("num_feat"))
        train = self.root.section("train")
        optimiser = train.section("optim_d") if train else None
        if optimiser is not None:
            found["learning_rate"] = optimiser.number("lr", 1e-4)
            optimiser.skip(*optimiser)  # its other settings are the generator's
        return found

    def _sharp(self, loss: Loss, kind: str) -> Loss:
        return {**loss, "sharpened": True} if self.sharpened.get(kind) else loss


def _plain(name: str, **settings: Any) -> Callable[[LossReader, Section], list[Loss]]:
    return lambda reader, section: [{"type": name, **settings}]


def _consistency(reader: LossReader, section: Section) -> list[Loss]:
    section.remarks.add("consistency_loss: colour and luma, each of this weight", section.line)
    section.skip("saturation", "brightness", "blur")
    return [{"type": "colour"}, {"type": "luma"}]


def _focal_frequency(reader: LossReader, section: Section) -> list[Loss]:
    return [{"type": "focal_frequency", **({"alpha": section.number("alpha")} if "alpha" in section else {})}]


_KINDS: dict[str, Callable[[LossReader, Section], list[Loss]]] = {
    "l1": LossReader.l1, "huber": LossReader.huber, "charbonnier": LossReader.charbonnier, "mssim": LossReader.ms_ssim,
    "perceptual": LossReader.perceptual, "vggperceptual": LossReader.perceptual, "gan": LossReader.gan,
    "ldl": _plain("ldl"), "dists": _plain("dists"), "color": _plain("colour"), "luma": _plain("luma"),
    "consistency": _consistency, "ff": _focal_frequency,
}  # fmt: skip
"""Converters by the loss's name without underscores and "loss"."""
