"""Options of Real-ESRGAN, neosr and traiNNer-redux as the text of a file."""

import json
from collections.abc import Mapping
from typing import Any

from patina.exchange.second_order import DATASET_KEYS, Tool


def option_text(options: Mapping[str, Any], tool: Tool) -> str:
    """Return a fragment of an option file: YAML with `datasets.train`, or TOML with `degradations` for neosr."""
    rest = {key: value for key, value in options.items() if key != "scale"}
    if tool == "neosr":
        lines = [f"scale = {options['scale']}", "", "[degradations]"]
        return "\n".join([*lines, *(f"{key} = {json.dumps(value)}" for key, value in rest.items())]) + "\n"
    lines = [f"scale: {options['scale']}"]
    lines += ["high_order_degradation: true"] if tool == "trainner-redux" else []
    lines += [f"{key}: {json.dumps(value)}" for key, value in rest.items() if key not in DATASET_KEYS]
    lines += ["datasets:", "  train:"]
    lines += [f"    {key}: {json.dumps(value)}" for key, value in rest.items() if key in DATASET_KEYS]
    return "\n".join(lines) + "\n"
