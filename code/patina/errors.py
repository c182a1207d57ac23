"""The errors a user sees: one line that says what, where, what was expected and what to do."""


class PatinaError(Exception):
    """A mistake in the input that the user can mend; the command line prints it without a traceback."""


class ConfigError(PatinaError):
    """A configuration that cannot be used: unknown key, wrong type, value out of range."""


class PictureError(PatinaError):
    """One picture that cannot be read or used; folder jobs name it, skip it and go on."""
