"""chaiNNer's chains: nodes with numbered inputs, and the way from the loaded image to the saved one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina.errors import ConfigError
from patina.exchange.conversion import Remarks
from patina.exchange.lined_values import plain
from patina.exchange.sections import is_number
from patina.system.yaml_files import LinedValue

SAVE = "chainner:image:save"

_NUMBER = "chainner:utility:number"
_RANDOM = "chainner:utility:random_number"
_ASIDE = ("chainner:image:view", "chainner:image:view_external", "chainner:utility:note")
"""Nodes that change no image."""


@dataclass
class ChainNode:
    """A node.

    Attributes:
        kind: its schema, e.g. ``chainner:image:resize``.
        line: line of the node in the file.
        inputs: values by the input's number.
        sources: nodes connected to inputs, by the input's number.
        active: whether it does anything.
    """

    kind: str
    line: int
    inputs: dict[int, Any]
    source: Path
    remarks: Remarks
    sources: "dict[int, ChainNode]" = field(default_factory=dict)
    active: bool = True

    @property
    def name(self) -> str:
        """The kind without its prefix, e.g. "resize"."""
        return self.kind.rsplit(":", 1)[-1]

    def ends(self, number: int, default: float) -> tuple[float, float]:
        """Return the range of an input: its number twice, or the ends of the random number connected to it."""
        before = self.sources.get(number)
        if before is not None and before.kind == _RANDOM:
            low, high = before.ends(0, 0)[0], before.ends(1, 100)[1]
            return min(low, high), max(low, high)
        if before is not None and before.kind == _NUMBER:
            return before.ends(0, 0)
        if before is not None:
            self.remarks.lost(f"node {before.name} at input {number} of {self.name}", before.line)
        value = self.inputs.get(number, default)
        if not is_number(value):
            raise ConfigError(
                f"{self.source}, line {self.line}: input {number} of node {self.name} is {value!r}, expected a number"
            )
        return float(value), float(value)

    def value(self, number: int, default: Any) -> Any:
        """Return an input's value: a number, a truth value or a text.

        Raises:
            ConfigError: it is something else.
        """
        value = self.inputs.get(number)
        if isinstance(value, list | dict):
            raise ConfigError(
                f"{self.source}, line {self.line}: input {number} of node {self.name} is {value!r}, expected one value"
            )
        return default if value is None else value

    def lost(self, what: str = "") -> None:
        """Remark that the node, or something of it, has no counterpart."""
        self.remarks.lost(f"node {self.name}{what and ': '}{what}", self.line)


def read_way(root: LinedValue, source: Path, remarks: Remarks) -> list[ChainNode]:
    """Return the nodes from the loaded image to the saved one, in their order, both included.

    Raises:
        ConfigError: the file is no chain, saves no image, or mixes several.
    """
    nodes = _nodes(root, source, remarks)
    saves = [node for node in nodes if node.kind == SAVE]
    if not saves:
        raise ConfigError(f"{source}: saves no image; expected a chain from Load Image or Load Images to Save Image")
    ways = [_way(save) for save in saves]
    longest = max(ways, key=len)
    for way in ways:
        if way is not longest:
            remarks.add(f"node save: a second branch with {len(way) - 2} nodes, not used", way[-1].line)
    used = {id(node) for way in ways for node in way}
    used |= {id(before) for way in ways for node in way for before in _behind(node)}
    for node in nodes:
        if id(node) not in used and node.kind not in _ASIDE:
            remarks.add(f"node {node.name}: not on the way to the saved image, not used", node.line)
    return longest


def _behind(node: ChainNode) -> list[ChainNode]:
    """Return all nodes that a node takes values from, at any distance."""
    found: dict[int, ChainNode] = {}
    waiting = list(node.sources.values())
    while waiting:
        before = waiting.pop()
        if id(before) not in found:
            found[id(before)] = before
            waiting += before.sources.values()
    return list(found.values())


def _way(save: ChainNode) -> list[ChainNode]:
    """Follow input 0 back to a node without one."""
    way = [save]
    while (before := way[-1].sources.get(0)) is not None:
        if before in way:
            raise ConfigError(f"{save.source}, line {before.line}: node {before.name} feeds itself; expected a chain")
        way.append(before)
    for node in way:
        others = [
            before for number, before in node.sources.items() if number and before.kind.startswith("chainner:image")
        ]
        mixed = [before for before in others if before is not way[-1] and node.kind != SAVE]
        if mixed:
            raise ConfigError(
                f"{save.source}, line {node.line}: node {node.name} also takes the image of {mixed[0].name}; expected "
                "a chain without branches that meet"
            )
    return way[::-1]


def _nodes(root: LinedValue, source: Path, remarks: Remarks) -> list[ChainNode]:
    try:
        content = root.value["content"].value
        nodes, edges = content["nodes"].value, content["edges"].value
        found = {plain(node)["id"]: _node(node, source, remarks) for node in nodes}
        for edge in map(plain, edges):
            number = int(edge["targetHandle"].rsplit("-", 1)[-1])
            if edge["source"] in found and edge["target"] in found:
                found[edge["target"]].sources[number] = found[edge["source"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{source}: not a chain of chaiNNer: a node or an edge has no {error}") from None
    return list(found.values())


def _node(node: LinedValue, source: Path, remarks: Remarks) -> ChainNode:
    data = plain(node.value["data"])
    if not isinstance(data["schemaId"], str):
        raise TypeError("a schemaId that is a text")
    inputs = {int(number): value for number, value in data.get("inputData", {}).items()}
    active = not (data.get("isDisabled") or data.get("isPassthrough"))
    return ChainNode(data["schemaId"], node.line, inputs, source, remarks, active=active)
