"""Resizes of wtp_dataset_destroyer and PepeDD: of both images of a pair, straight or by a detour."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patina.exchange.conversion import Block
from patina.exchange.destroyer_chain import DestroyerChain
from patina.exchange.recipe_parts import names_or_name, span
from patina.exchange.sections import Section

_MOST_STEPS = 16

DETOURS = ("down_up", "up_down", "down_down")


@dataclass(frozen=True)
class _Resizing:
    """The settings of one resize.

    Attributes:
        section: where they are.
        scale: downscaling factor.
        filter_of: our filter by their name; None if there is none.
    """

    section: Section
    scale: int
    filter_of: Callable[[str], str | None]

    def filters(self, section: Section, key: str) -> list[str]:
        """Return our filters for the names in a list; the others are named."""
        names = section.names(key, [])
        for name in names:
            if self.filter_of(name) is None:
                section.remarks.lost(f"{section.named(key)} {name}", section.line_of(key))
        known = [ours for name in names if (ours := self.filter_of(name))]
        if not known:
            section.differs(key, "catmull_rom, as none of its filters has a counterpart")
        return known or ["catmull_rom"]


def resizes(
    section: Section, chain: DestroyerChain, filter_of: Callable[[str], str | None], whole_spread: float
) -> list[Block]:
    """Convert a resize of the low-quality image; the clean image keeps its size here.

    Args:
        section: the degradation.
        chain: the chain it is in, which learns the scale.
        filter_of: our filter by their name; None if there is none.
        whole_spread: value of their `spread` that leaves clean images their size.
    """
    if chain.scale is not None or chain.depth:
        section.skip(*section)
        section.remarks.lost("a second resize, or one for some images only", section.line)
        return []
    scale = section.number("scale", 4)
    if scale < 1 or scale != int(scale):
        section.refuse("scale", "a whole number of at least 1")
    chain.scale = int(scale)
    section.skip("alg_hq", "divider", "s_samplings", "olq")
    if section.ends("spread", (whole_spread, whole_spread)) != (whole_spread, whole_spread):
        section.differs(
            "spread", "clean images keep their size; degrade smaller copies of them, too, for such a spread"
        )
    if section.flag("color_fix"):
        section.lost("color_fix")
    if section.flag("gamma_correction"):
        section.differs("gamma_correction", "recipes resize in sRGB, not in linear light")
    resizing = _Resizing(section, chain.scale, filter_of)
    names = section.names("alg_lq")
    straight = [name for name in names if name not in DETOURS]
    found: list[Any] = []
    if straight or not names:
        filters = resizing.filters(section, "alg_lq") if not set(names) & set(DETOURS) else _known(resizing, straight)
        block = {"resize": {"filter": names_or_name(filters), "of": "target"}}
        found.append((float(len(straight)), [block]) if len(names) > 1 and len(straight) < len(names) else block)
    for name in names:
        if name in DETOURS:
            found.append(_DETOURS[name](resizing))
    for name in set(DETOURS) - set(names):
        if (unused := section.section(name)) is not None:
            unused.skip(*unused)
    return found


def _known(resizing: _Resizing, names: list[str]) -> list[str]:
    section = resizing.section
    for name in names:
        if resizing.filter_of(name) is None:
            section.lost("alg_lq", what=name)
    return [ours for name in names if (ours := resizing.filter_of(name))] or ["catmull_rom"]


def _down_up(resizing: _Resizing) -> Block:
    """Down to a part of the target size and up to it; older versions with `up` go up from the clean size first."""
    inside = resizing.section.section("down_up")
    if inside is None:
        resizing.section.refuse("down_up", "a block")
        return {}
    if "up" in inside and "down" not in inside:
        return _detour(resizing, inside, "up", "alg_up", "alg_down")
    low, high = inside.ends("down", (2, 2))
    first, second = resizing.filters(inside, "alg_down"), resizing.filters(inside, "alg_up")
    factor = span(1 / max(1.0, high), 1 / max(1.0, low))
    return {"down_up": {"factor": factor, "of": "target", **_both(first, second)}}


def _up_down(resizing: _Resizing) -> Block:
    inside = resizing.section.section("up_down")
    if inside is None:
        resizing.section.refuse("up_down", "a block")
        return {}
    return _detour(resizing, inside, "up", "alg_up", "alg_down")


def _detour(resizing: _Resizing, inside: Section, key: str, first: str, second: str) -> Block:
    """Return a resize of the clean image to a multiple of its size, then to the target size."""
    low, high = inside.ends(key, (2, 2))
    before, after = resizing.filters(inside, first), resizing.filters(inside, second)
    return {"down_up": {"factor": span(max(0.01, low), min(16.0, high)), **_both(before, after)}}


def _both(first: list[str], second: list[str]) -> Block:
    return {"first": names_or_name(first), "second": names_or_name(second)}


def _down_down(resizing: _Resizing) -> Any:
    """Down in several equal steps."""
    inside = resizing.section.section("down_down")
    if inside is None:
        resizing.section.refuse("down_down", "a block")
        return {}
    low, high = inside.ends("step", (2, 6))
    filters = names_or_name(resizing.filters(inside, "alg_down"))
    choices = []
    if high > _MOST_STEPS:
        inside.differs("step", f"at most {_MOST_STEPS} steps")
    for count in range(min(_MOST_STEPS, max(1, int(low))), min(_MOST_STEPS, max(1, int(high))) + 1):
        # The first size of theirs is the clean image's own, so n sizes are n - 1 resizes.
        sizes = [1 - (1 - 1 / resizing.scale) * step / max(1, count - 1) for step in range(1, max(1, count - 1))]
        steps: list[Block] = [
            {"resize": {"filter": filters, "of": "source", "factor": span(size, size)}} for size in sizes
        ]
        choices.append({"steps": [*steps, {"resize": {"filter": filters, "of": "target"}}]})
    if high > 2 and not isinstance(filters, str):
        resizing.section.remarks.add("down_down: the filter is drawn for every step", inside.line_of("alg_down"))
    return (1.0, [{"one_of": {"choices": choices}}])


_DETOURS: dict[str, Callable[[_Resizing], Any]] = {"down_up": _down_up, "up_down": _up_down, "down_down": _down_down}
