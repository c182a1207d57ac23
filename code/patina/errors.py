"""Errors for users, with a one-line message: what is wrong, where, what was expected and what to do."""

import errno
import re
from collections.abc import Sequence
from typing import TypeGuard

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that end lines, steer a terminal, or turn the direction of text; names of files may hold them."""


class PatinaError(Exception):
    """A mistake in the input that the user can correct; the command line prints it without a traceback.

    Its message is one line; only a list that must be whole has several, each an argument.
    """

    def __str__(self) -> str:
        return "\n".join(one_line(str(line)) for line in self.args)


class ConfigError(PatinaError):
    """An invalid configuration: unknown key, wrong type, or value out of range."""


class PictureError(PatinaError):
    """A picture that cannot be read or used; folder jobs report it, skip it and continue."""


class WeightsMissing(PatinaError):
    """Published weights are neither on this machine nor reachable; the message names the file and its folder."""


def one_line(text: str) -> str:
    """Return text with escapes in place of characters that would break a line, or that a terminal obeys."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, e.g. "1 image" or "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(problems: Sequence[str], most: int = 10) -> str:
    """Return all problems of one kind in one line, the first of them word for word and the others as a number."""
    shown = "; ".join(problems[:most])
    return f"{shown}; and {len(problems) - most} more" if len(problems) > most else shown


def named(name: str, reason: str) -> str:
    """Return why something failed, with its name, unless the reason says it."""
    return reason if name in reason else f"{name}: {reason}"


_REMEDIES = {
    errno.EMFILE: "allow more open files, e.g. by `ulimit -n 4096`",
    errno.ENFILE: "end programs that hold many files open",
    errno.EIO: "check its disk or network",
}


def told_system_error(error: OSError) -> str:
    """Return in one line an error of the operating system, with its file and what to do."""
    if error.strerror is None:
        return str(error)
    where = error.filename if error.filename is not None else "a file"
    remedy = _REMEDIES.get(error.errno or 0, "fix this")
    return one_line(f"{where} cannot be used: {error.strerror}; {remedy}, then run the command again")


def unreadable_file(path: object, error: OSError) -> PictureError:
    """Return what a picture's failure is if the operating system does not let its file be read."""
    remedy = _REMEDIES.get(error.errno or 0, "check the name and its permissions")
    return PictureError(f"{path} cannot be read ({error.strerror}); {remedy}")


def is_of_system(error: BaseException) -> TypeGuard[OSError]:
    """Whether an error comes from the operating system, and thus says nothing about a file's content."""
    return isinstance(error, OSError) and error.errno in errno.errorcode and error.errno != errno.EINVAL


def require_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a flag's value outside its range.

    Raises:
        PatinaError: names the flag, the value and the range.
    """
    if not low <= value <= high:
        expected = f"{low} to {high}" if high < float("inf") else f"{low} or more"
        raise PatinaError(f"-{name} is {value}, expected {expected}")
