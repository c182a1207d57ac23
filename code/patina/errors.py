"""Errors for users, with a one-line message: what is wrong, where, what was expected and what to do."""


class PatinaError(Exception):
    """A mistake in the input that the user can correct; the command line prints it without a traceback."""


class ConfigError(PatinaError):
    """An invalid configuration: unknown key, wrong type, or value out of range."""


class PictureError(PatinaError):
    """A picture that cannot be read or used; folder jobs report it, skip it and continue."""


class WeightsMissing(PatinaError):
    """Published weights are neither on this machine nor reachable; the message names the file and its folder."""


def require_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a flag's value outside its range.

    Raises:
        PatinaError: names the flag, the value and the range.
    """
    if not low <= value <= high:
        expected = f"{low} to {high}" if high < float("inf") else f"{low} or more"
        raise PatinaError(f"-{name} is {value}, expected {expected}")
