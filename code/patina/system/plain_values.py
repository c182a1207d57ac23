"""Values as JSON knows them."""

from typing import Any

import numpy as np


def plain_values(value: Any) -> Any:
    """Return `value` with types that JSON knows; NaN and infinity become null."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_values(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
