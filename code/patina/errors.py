"""The errors a user sees: one line that says what, where, what was expected and what to do."""


class PatinaError(Exception):
    """A mistake in the input that the user can mend; the command line prints it without a traceback."""


class ConfigError(PatinaError):
    """A configuration that cannot be used: unknown key, wrong type, value out of range."""


class PictureError(PatinaError):
    """One picture that cannot be read or used; folder jobs name it, skip it and go on."""


def require_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a flag's value outside of its range.

    Raises:
        PatinaError: names the flag, the value and the range.
    """
    if not low <= value <= high:
        expected = f"{low} to {high}" if high < float("inf") else f"{low} or more"
        raise PatinaError(f"-{name} is {value}, expected {expected}")
