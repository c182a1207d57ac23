"""A recipe as options of Real-ESRGAN, neosr or traiNNer-redux; what they cannot hold is named."""

import math
from typing import Any

from patina.degradations.recipe import Recipe
from patina.exchange.conversion import Conversion, Remarks
from patina.exchange.range_spans import WeightedRange, spanned
from patina.exchange.recipe_parts import tidy
from patina.exchange.second_order import FIXED_FILTERS, KERNEL_SIDES, KERNELS, REDUX_FILTERS, TITLES, USM, WIDEST, Tool
from patina.exchange.stage_slots import Slots, Slotted, slots_of
from patina.imaging.compression_headers import nearest_quality

_LITTLE = [0.01, 0.02]
"""Sigma of a blur that cannot be left out."""

_NEARLY_LOSSLESS = [98, 99]
"""Quality of a JPEG that cannot be left out; at 100 the tools' JPEG divides by 0."""

_TO_TARGET = [1, 1.0001]
"""traiNNer-redux's second resize to the target size, exactly; by its "keep" it would not resize at all."""

_TO_REDUX = {**{ours: theirs for theirs, ours in REDUX_FILTERS.items()}, "linear_aliased": "bilinear",
             "cubic_aliased": "bicubic", "matlab_bicubic": "bicubic"}  # fmt: skip

_THEIR_KERNELS = {ours: theirs for theirs, ours in KERNELS.items()}


class _Export:
    """The options of one recipe in the making.

    Attributes:
        options: settings by name, those of both stages; they are sorted into the file's sections later.
    """

    def __init__(self, slots: Slots, tool: Tool, scale: int):
        self.slots, self.tool, self.scale, self.remarks = slots, tool, scale, slots.remarks
        self.redux = tool == "trainner-redux"
        self.title = TITLES[tool].name
        self.options: dict[str, Any] = {}

    def span(self, name: str, ranges: list[WeightedRange]) -> list[float]:
        """Return the span of ranges as an option's value."""
        return spanned(name, ranges, self.remarks)

    def sharpening(self) -> None:
        """Write the sharpening before everything else."""
        found = self.slots.at(1, "sharpen")
        usual = [slot for slot in found if slot.block.soft_mask and slot.block.threshold == (USM["threshold"],) * 2]
        for slot in found:
            if slot not in usual:
                self.remarks.lost(f"unsharp_mask without soft_mask and a threshold of {USM['threshold']}")
        if self.tool == "neosr":
            if usual:
                self.remarks.lost("unsharp_mask")
        elif self.redux:
            self.options["lq_usm"] = bool(usual)
            if usual:
                radii = [(slot.weight, *_usm_radii(slot.block.sigma)) for slot in usual]
                span = self.span("lq_usm_radius_range", radii)
                self.options["lq_usm_radius_range"] = [round(end) for end in span]
        else:
            self.options["gt_usm"] = bool(usual)
            if not usual:
                told = "no sharpening: RealESRGANModel degrades sharpened images always; RealESRNetModel heeds gt_usm"
                self.remarks.add(told)

    def stage(self, number: int) -> None:
        """Write a stage."""
        n = "" if number == 1 else "2"
        self.blur(number, n)
        self.resize(number, n)
        self.noise(self.slots.at(number, "noise"), n)
        self.jpeg(self.slots.at(number, "jpeg"), n)

    def blur(self, number: int, n: str) -> None:
        """Write kernels, their sizes, and how often there is a blur."""
        found = self.slots.at(number, "blur")
        ringing = [slot for slot in found if slot.block.name == "sinc"]
        kernels = [slot for slot in found if slot.block.name != "sinc"]
        total = min(1.0, sum(slot.weight for slot in found))
        if self.redux or n:
            self.options[f"blur_prob{n}" if self.redux else "second_blur_prob"] = tidy(total)
        elif 0 < total < 1:
            self.remarks.add(f"first blur: {self.title} blurs all images, not {100 * total:.3g} %")
        elif not total:
            self.remarks.add(f"first blur: {self.title} always blurs; a sigma next to nothing instead of none")
        self._kernel_sizes(found, n)
        weights: dict[str, float] = {}
        sigmas: list[WeightedRange] = []
        shapes: dict[str, list[WeightedRange]] = {"generalised": [], "plateau": []}
        for slot in kernels:
            kinds, sigma = _kernel(slot.block, self.remarks)
            whole = sum(kinds.values())
            for kind, weight in kinds.items():
                weights[kind] = weights.get(kind, 0) + slot.weight * weight / whole
            sigmas.append((slot.weight, *sigma))
            for shape, ranges in shapes.items():
                if slot.block.name == "gaussian_blur" and any(shape in kind for kind in kinds):
                    ranges.append((slot.weight, *getattr(slot.block, f"beta_{shape}")))
        whole = sum(weights.values())
        self.options[f"kernel_list{n}"] = [_THEIR_KERNELS[kind] for kind in weights] or ["iso"]
        self.options[f"kernel_prob{n}"] = [tidy(weight / whole) for weight in weights.values()] or [1]
        self.options[f"sinc_prob{n}"] = tidy(sum(slot.weight for slot in ringing) / total) if total else 0
        self.options[f"blur_sigma{n}"] = _apart(self.span(f"blur_sigma{n}", sigmas) if sigmas else list(_LITTLE))
        has_other = any(slot.block.name != "gaussian_blur" for slot in kernels)
        if has_other and (widest := self.options[f"blur_sigma{n}"][1]) > WIDEST:
            self.remarks.add(f"blur_sigma{n}: kernels of at most {KERNEL_SIDES[1]} pixels weaken a blur of {widest:g}")
        for key, shape, usual in ((f"betag_range{n}", "generalised", [0.5, 4]), (f"betap_range{n}", "plateau", [1, 2])):
            self.options[key] = self.span(key, shapes[shape]) if shapes[shape] else usual

    def _kernel_sizes(self, found: list[Slotted], n: str) -> None:
        sizes = [(slot.weight, *slot.block.size) for slot in found if slot.block.name in ("gaussian_blur", "sinc")]
        span = [int(end) for end in self.span(f"kernel_range{n}", sizes)] if sizes else list(KERNEL_SIDES)
        if self.redux:
            self.options[f"kernel_range{n}"] = span
            return
        self.options[f"blur_kernel_size{n}"] = KERNEL_SIDES[1]
        if span != list(KERNEL_SIDES):
            low, high = KERNEL_SIDES
            self.remarks.add(f"kernel sizes of blur{n}: {self.title} takes {low} to {high}, not {span[0]} to {span[1]}")

    def resize(self, number: int, n: str) -> None:
        """Write how often images grow, shrink or stay, and by how much."""
        found = self.slots.at(number, "resize")
        up = down = 0.0
        ranges: list[WeightedRange] = []
        for slot in found:
            low, high = self._factor(slot.block, n)
            rising = 0.0 if high <= 1 else 1.0 if low >= 1 else (high - 1) / (high - low)
            up += slot.weight * rising
            down += slot.weight * (1 - rising) * (low < 1)
            if (low, high) != (1.0, 1.0):
                ranges.append((slot.weight, low, high))
            if high < 1 or low > 1:
                whole = f"{low:g} to 1" if high < 1 else f"1 to {high:g}"
                self.remarks.add(f"resize{n}: {self.title} takes any factor from {whole}, not from {low:g} to {high:g}")
        keep = max(0.0, 1 - up - down)
        span = self.span(f"resize_range{n}", ranges) if ranges else [1, 1]
        if self.redux and n and keep and found:
            # Its keep leaves the image as large as it is; ours is at the target size.
            if span[1] > _TO_TARGET[1]:
                self.remarks.add(f"resize{n}: images of exactly the target size count as enlarged, up to {span[1]:g}")
            up, keep = up + keep, 0.0
            span = [min(1, span[0]), max(_TO_TARGET[1], span[1])]
        self.options[f"resize_prob{n}"] = [tidy(part) for part in (up, down, keep)]
        self.options[f"resize_range{n}"] = [tidy(min(1, span[0])), tidy(max(1, span[1]))]
        if found:
            self._filters(found, n)

    def _factor(self, block: Any, n: str) -> tuple[float, float]:
        """Return the factor of a resize; those of the second stage count from the target size."""
        low, high = block.factor
        if not n or block.of == "target":
            return low, high
        if block.of == "current" and self.slots.at(1, "resize"):
            self.remarks.add("resize2: taken relative to the clean image, not to the image at that step")
        return low * self.scale, high * self.scale

    def _filters(self, found: list[Slotted], n: str) -> None:
        weights: dict[str, float] = {}
        for slot in found:
            drawn = slot.block.first if slot.block.name == "down_up" else slot.block.filter
            for name, weight in drawn.items():
                weights[name] = weights.get(name, 0) + slot.weight * weight / sum(drawn.values())
        if not self.redux:
            if set(weights) - set(FIXED_FILTERS):
                names = ", ".join(weights)
                self.remarks.add(f"filters of resize{n}: {self.title} takes area, bilinear or bicubic, not {names}")
            return
        if unknown := [name for name in weights if name not in _TO_REDUX]:
            self.remarks.lost(f"filters of resize{n}: {', '.join(unknown)}")
        theirs: dict[str, float] = {}
        for name in [name for name in weights if name in _TO_REDUX]:
            theirs[_TO_REDUX[name]] = theirs.get(_TO_REDUX[name], 0) + weights[name]
        whole = sum(theirs.values())
        self.options[f"resize_mode_list{n}"] = list(theirs) or ["bicubic"]
        self.options[f"resize_mode_prob{n}"] = [tidy(weight / whole) for weight in theirs.values()] or [1]

    def noise(self, found: list[Slotted], n: str) -> None:
        """Write Gaussian and Poisson noise; the rest of the images get Poisson noise of no strength."""
        shot = [slot for slot in found if slot.block.name == "poisson_noise"]
        white = [slot for slot in found if slot.block.name != "poisson_noise"]
        some, other = (sum(slot.weight for slot in part) for part in (white, shot))
        total = some + other
        if shot and total < 1 - 1e-9:
            self.remarks.add(f"noise{n}: {self.title} adds it to all images, not to {100 * total:.3g} %")
        self.options[f"gaussian_noise_prob{n}"] = tidy(some / total) if shot else tidy(min(1.0, some))
        sigmas = [(slot.weight, *_sigma(slot.block, self.remarks)) for slot in white]
        scales = [(slot.weight, *slot.block.scale) for slot in shot]
        self.options[f"noise_range{n}"] = self.span(f"noise_range{n}", sigmas) if sigmas else [0, 0]
        self.options[f"poisson_scale_range{n}"] = self.span(f"poisson_scale_range{n}", scales) if scales else [0, 0]
        grays = [(slot.weight, getattr(slot.block, "gray", 0.0)) for slot in found]
        if len({gray for _, gray in grays}) > 1:
            self.remarks.add(f"gray_noise_prob{n}: the mean of several")
        self.options[f"gray_noise_prob{n}"] = tidy(sum(w * gray for w, gray in grays) / total) if total else 0

    def jpeg(self, found: list[Slotted], n: str) -> None:
        """Write qualities, and how often there is a JPEG."""
        total = min(1.0, sum(slot.weight for slot in found))
        if self.redux:
            self.options[f"jpeg_prob{n}"] = tidy(total)
        elif not found:
            least = " to ".join(map(str, _NEARLY_LOSSLESS))
            self.remarks.add(f"jpeg{n}: {self.title} always compresses; quality {least} instead of none")
        elif total < 1 - 1e-9:
            self.remarks.add(f"jpeg{n}: {self.title} compresses all images, not {100 * total:.3g} %")
        qualities = [(slot.weight, *_quality(slot.block, self.remarks)) for slot in found]
        low, high = self.span(f"jpeg_range{n}", qualities) if qualities else _NEARLY_LOSSLESS
        if high > _NEARLY_LOSSLESS[1]:
            self.remarks.add(f"jpeg_range{n}: at most {_NEARLY_LOSSLESS[1]}; at 100 their JPEG divides by 0")
        self.options[f"jpeg_range{n}"] = [min(end, _NEARLY_LOSSLESS[1]) for end in (low, high)]

    def ending(self) -> None:
        """Write the last sinc filter and resize."""
        ringing = self.slots.at(3, "blur")
        self.options["final_sinc_prob"] = tidy(min(1.0, sum(slot.weight for slot in ringing)))
        if self.redux:
            sizes = [(slot.weight, *slot.block.size) for slot in ringing]
            span = self.span("final_kernel_range", sizes) if sizes else list(KERNEL_SIDES)
            self.options["final_kernel_range"] = [int(end) for end in span]
            if last := self.slots.at(3, "resize") or self.slots.at(2, "resize"):
                self._filters(last, "3")


def export_second_order(recipe: Recipe, tool: Tool) -> Conversion:
    """Return a recipe as options.

    Args:
        recipe: the recipe.
        tool: whose options.

    Returns:
        The options of both stages in one mapping with `scale`, and a remark for everything that is lost.
    """
    remarks = Remarks()
    export = _Export(slots_of(recipe, remarks), tool, recipe.scale)
    export.options["scale"] = recipe.scale
    export.sharpening()
    export.stage(1)
    export.stage(2)
    export.ending()
    if export.slots.profiles > 1:
        told = f"{export.slots.profiles} profiles: {TITLES[tool].name} draws every setting on its own, not those of one"
        remarks.add(f"{told} profile together")
    return Conversion(export.options, remarks.lines)


def _kernel(block: Any, remarks: Remarks) -> tuple[dict[str, float], tuple[float, float]]:
    """Return the kinds of a blur's kernels by weight, and the range of their sigma in pixels."""
    if block.name == "gaussian_blur":
        return dict(block.kind), block.sigma
    if block.name == "ellipse_blur":
        remarks.add("ellipse_blur: an anisotropic Gaussian of any angle; one range for both sigmas")
        ends = (*block.sigma_x, *block.sigma_y)
        return {"anisotropic": 1.0}, (max(0.01, min(ends)), max(0.01, *ends))
    # A disk of radius r has a std of r / 2 along each axis; a square of side s one of sqrt((s^2 - 1) / 12).
    remarks.add(f"{block.name}: an isotropic Gaussian of the same std")
    stds = [end / 2 for end in block.radius] if block.name == "lens_blur" else [
        math.sqrt((side**2 - 1) / 12) for side in block.size
    ]  # fmt: skip
    return {"isotropic": 1.0}, (max(0.01, stds[0]), max(0.01, stds[1]))


def _sigma(block: Any, remarks: Remarks) -> tuple[float, float]:
    """Return the std of a noise in grey levels."""
    if block.name == "uniform_noise":
        remarks.add("uniform_noise: Gaussian noise of the same std")
        return block.amplitude[0] / math.sqrt(3), block.amplitude[1] / math.sqrt(3)
    if block.name != "gaussian_noise":
        remarks.add(f"{block.name}: white Gaussian noise of the same sigma; grain, colour and brightness are lost")
    return (float(block.sigma[0]), float(block.sigma[1]))


def _quality(block: Any, remarks: Remarks) -> tuple[float, float]:
    """Return the quality of a JPEG; that nearest to tables."""
    if dict(block.subsampling) != {"4:2:0": 1.0}:
        remarks.add("jpeg subsampling: 4:2:0 always")
    if block.name == "jpeg":
        return block.quality
    remarks.add("jpeg_tables: the nearest quality of the usual tables")
    return (nearest_quality(tuple(block.luma)),) * 2


def _usm_radii(sigmas: tuple[float, float]) -> tuple[float, float]:
    """Return the sides of the kernels from which OpenCV derives stds."""
    low, high = (max(1.0, 2 * ((sigma - 0.8) / 0.3 + 1) + 1) for sigma in sigmas)
    return low, high


def _apart(ends: list[float]) -> list[float]:
    """Return a range with two different ends, which the tools insist on."""
    return ends if ends[1] > ends[0] else [ends[0], tidy(ends[0] + 0.001)]
