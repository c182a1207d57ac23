"""Values that files hold, checked against a type: files may be anyone's, and nothing in them is taken for granted.

Pydantic is imported on first use, because most commands find no file to check.
"""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_LONGEST = 200


class Malformed(ValueError):
    """Values that are not of their type; the message, one line, says what is wrong with them."""


def typed(kind: Any, values: object) -> Any:
    """Check values, and make them an object of a type.

    Args:
        kind: a settings class, a dataclass, or any other type; what is in it is checked, too.
        values: plain values, as JSON has them.

    Raises:
        Malformed: the values are not of that type.
    """
    from pydantic import ValidationError

    from patina.settings_problems import describe_problems

    try:
        return _adapter(kind).validate_python(values)
    except ValidationError as error:
        raise Malformed(shortened(describe_problems(error, kind))) from None
    except (RecursionError, OverflowError) as error:
        raise Malformed(f"values without end ({type(error).__name__})") from None


def parsed_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        Malformed: it is something else, or no JSON.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(shortened(f"no JSON: {error}")) from None
    if not isinstance(values, dict):
        raise Malformed(f"expected an object of JSON, found {shortened(json.dumps(values), 40)}")
    return values


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a text of any length in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}…"


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
