"""Plans of a clip: one draw for all frames, or parameters that drift slowly; noise is new in every frame."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from patina.degradations.base import Frame, Parameters, Size
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Plan, Step, applied
from patina.degradations.recipe import Recipe
from patina.seeding import derive, numpy_rng

_WHOLE = frozenset({"quality", "quantiser"})
"""Whole numbers that drift; others, such as a kernel's side, belong to a kind."""


@dataclass(frozen=True, eq=False)
class ClipPlans:
    """The plans of a clip's frames.

    Attributes:
        recipe: the recipe.
        variant: one of its names.
        size: size of a frame, a multiple of the scale.
        seed: seed of the set.
        name: name of the clip.
        drift: frames from one draw to the next, between which numbers change linearly; None draws once.
    """

    recipe: Recipe
    variant: str
    size: Size
    seed: int
    name: str
    drift: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "_knot", lru_cache(maxsize=4)(self._drawn))

    def of(self, number: int) -> Plan:
        """Return the plan of a frame by its number."""
        first, passed = (0, 0.0) if self.drift is None else divmod(number, self.drift)
        plan: Plan = self._knot(first)  # type: ignore[attr-defined]  # made above
        if passed:
            share = passed / self.drift  # type: ignore[operator]  # it is not None
            plan = tuple(map(_between, plan, self._knot(first + 1), [share] * len(plan)))  # type: ignore[attr-defined]
        return tuple(_in_frame(step, number) for step in plan)

    def _drawn(self, knot: int) -> Plan:
        """Return draw number `knot`; kinds, choices and sizes are those of the first."""
        plan = self.recipe.draw(self.variant, self.size, self.seed, self.name)
        if knot == 0:
            return plan
        target = self.size[0] // self.recipe.scale, self.size[1] // self.recipe.scale
        frame, redrawn = Frame(self.size, self.size, target), []
        blocks = applied(self.recipe.sequence(self.variant), self.seed, self.name)
        for step, (place, block, _) in zip(plan, blocks, strict=True):
            parameters = block.draw(numpy_rng(self.seed, "drift", self.name, place, knot), frame)
            redrawn.append(replace(step, parameters=_adopted(step.parameters, parameters)))
            if "size" in step.parameters:
                frame = frame.resized(tuple(step.parameters["size"]))
        return tuple(redrawn)


def _adopted(first: Parameters, other: Parameters) -> Parameters:
    """Return the parameters of a first draw with the numbers of another that may drift."""
    return {name: other[name] if _drifts(name, value, other.get(name)) else value for name, value in first.items()}


def _drifts(name: str, value: Any, other: Any) -> bool:
    if isinstance(value, list):
        alike = isinstance(other, list) and len(value) == len(other) and name != "size"
        return alike and all(isinstance(number, float) for number in [*value, *other])
    return (isinstance(value, float) and isinstance(other, float)) or (name in _WHOLE and isinstance(other, int))


def _between(first: Step, second: Step, share: float) -> Step:
    def mixed(name: str, value: Any) -> Any:
        other = second.parameters[name]
        if value == other or isinstance(value, str):
            return value
        if isinstance(value, list):
            return [start + share * (end - start) for start, end in zip(value, other, strict=True)]
        moved = value + share * (other - value)
        return round(moved) if isinstance(value, int) else moved

    return replace(first, parameters={name: mixed(name, value) for name, value in first.parameters.items()})


def _in_frame(step: Step, number: int) -> Step:
    """Return a step with a key of its own for a frame, unless the operation is the same in every frame."""
    operation = OPERATIONS.get(step.op)
    if operation is not None and operation.same_in_every_frame:
        return step
    return replace(step, key=derive(step.key, "frame", number))
