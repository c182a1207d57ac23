"""Networks in training options of other tools, as settings of ours."""

import inspect
from typing import Any

from patina.errors import ConfigError
from patina.exchange.sections import Section

Keys = dict[str, tuple[str, ...]]
"""Their keys by ours; the first that is there counts."""

_RRDBNET: Keys = {
    "features": ("num_feat", "num_filters", "nf"),
    "blocks": ("num_block", "num_blocks", "nb"),
    "growth": ("num_grow_ch", "gc"),
}
_REALPLKSR: Keys = {
    "features": ("dim",),
    "blocks": ("n_blocks",),
    "kernel": ("kernel_size",),
    "split": ("split_ratio",),
    "dysample": ("dysample",),
    "layer_norm": ("layer_norm",),
}
_COMPACT: Keys = {"features": ("num_feat",), "blocks": ("num_conv",)}

_OWN: dict[str, tuple[str, Keys, dict[str, Any]]] = {
    "rrdbnet": ("rrdbnet", _RRDBNET, {}),
    "esrgan": ("rrdbnet", _RRDBNET, {}),
    "realplksr": ("realplksr", _REALPLKSR, {}),
    "compact": ("compact", _COMPACT, {}),
    "srvggnetcompact": ("compact", _COMPACT, {}),
    "ultracompact": ("compact", _COMPACT, {"blocks": 8}),
    "superultracompact": ("compact", _COMPACT, {"features": 24, "blocks": 8}),
}
"""Our networks by their names: our name, their keys by ours, and what the name implies."""

_FIXED = ("num_in_ch", "num_out_ch", "in_nc", "out_nc", "in_ch", "out_ch", "upscale", "scale", "act_type")
"""Keys with one value here: RGB, the configuration's scale, published activations."""


def network_settings(section: Section, scale: int) -> dict[str, Any]:
    """Return the settings of a network.

    Args:
        section: `network_g`.
        scale: upscaling factor.

    Raises:
        ConfigError: there is no such network here.
    """
    name = section.text("type").lower().replace("_", "").replace("-", "")
    section.skip(*_FIXED)
    if name not in _OWN:
        return _of_spandrel(section, name, scale)
    architecture, keys, implied = _OWN[name]
    found: dict[str, Any] = {"architecture": architecture, "scale": scale, **implied}
    for ours, theirs in keys.items():
        for key in theirs:
            if key in section:
                found[ours] = section.value(key)
    for key in section:
        if key not in ("type", *_FIXED) and not any(key in theirs for theirs in keys.values()):
            section.lost(key)
    return found


def _of_spandrel(section: Section, name: str, scale: int) -> dict[str, Any]:
    """Return a network of spandrel, whose parameters mostly have the names of the tools' options."""
    from patina.models.spandrel_network import SCALE_PARAMETERS, spandrel_networks

    known = {network.lower(): network for network in spandrel_networks()}
    if name not in known:
        raise ConfigError(
            f"{section.source}, line {section.line_of('type')}: {section.named('type')} is {section.text('type')}, "
            "which has no counterpart; expected one of rrdbnet, realplksr, compact, or a network of spandrel"
        )
    parameters = inspect.signature(spandrel_networks()[known[name]].__init__).parameters
    found: dict[str, Any] = {"architecture": known[name], "scale": scale}
    for key in section:
        if key in ("type", *_FIXED, *SCALE_PARAMETERS):
            section.skip(key)
        elif key in parameters:
            found[key] = section.value(key)
        else:
            section.lost(key)
    return found
