"""What one of several processes refuses, in a file of its own that loads little."""

import os

from patina.errors import PatinaError


def refusing(message: str) -> bool:
    """Refuse in the second process, with its rank in the message."""
    if os.environ["RANK"] == "1":
        raise PatinaError(message.format(1))
    return True
