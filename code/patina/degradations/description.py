"""Plans described in Dataset Destroyer's terms."""

from patina.degradations.base import SingleBlock, Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Plan


def describe(plan: Plan, size: Size) -> str:
    """Return one line, e.g. ``scale: cubic_mitchell size factor=0.25, compression: jpeg quality=82``.

    Args:
        plan: the steps applied.
        size: size of the clean picture.
    """
    return ", ".join(described(plan, size)) or "nothing"


def described(plan: Plan, size: Size) -> list[str]:
    """Return the description of each step."""
    parts = []
    for step in plan:
        block: type[SingleBlock] = LearnedBlock if step.op == LearnedBlock.name else OPERATIONS[step.op]
        parts.append(block.describe(step.parameters, size))
        if "size" in step.parameters:
            size = tuple(step.parameters["size"])
    return parts
