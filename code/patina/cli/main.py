"""The command `patina`: one module per command, imported only when it is called."""

import argparse
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence

from patina.cli.addresses import in_working_folders
from patina.cli.candidates import candidates
from patina.cli.command_modules import module_of, parser_of
from patina.cli.commands import COMMANDS, overview
from patina.errors import PatinaError, told_system_error
from patina.hints import nearest_name
from patina.system.allocator import keep_blocks_of_images
from patina.system.lack_of_memory import came_of_lack_of_memory, recognising_lack_of_memory
from patina.system.telling import counting_silence, quietly
from patina.system.termination import terminated_like_interrupted
from patina.version import __version__

USAGE_ERROR = 2
INTERRUPTED = 130
CLOSED_PIPE = 141
"""What shells report of a program that wrote to a pipe which nobody reads (128 + SIGPIPE)."""

_NO_MEMORY = "there is too little memory for this command"
_REMEDY = "end other programs, or use fewer -workers or smaller images, then run the same command again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code.

    Returns:
        0 done, 1 some images failed, 2 refused, 130 interrupted, 141 nobody reads the output any more.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["help"] and words[1:]:
        words = [*words[1:2], "--help"]
    if not words or words[0] not in COMMANDS:
        return _while_read(lambda: _top_level(words))
    return run_command(words[0], words[1:], program=f"patina {words[0]}")


def run_command(command: str, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run one command.

    Args:
        command: a key of `COMMANDS`.
        arguments: its command-line arguments; None for those of this process.
        program: the name that its help shows; None for the name of the script.

    Returns:
        The exit code, as in `main`.
    """
    _let_threads_spin_briefly()
    keep_blocks_of_images()
    threading.excepthook, sys.unraisablehook = _thread_failed, _not_cleaned_up
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of another encoding must not end a command
            stream.reconfigure(errors="backslashreplace")
    return _while_read(lambda: _attempt(command, arguments, program))


def _let_threads_spin_briefly() -> None:
    """Let OpenMP's threads sleep when they have waited for each other for some ten microseconds.

    By default they spin for milliseconds. Where another program has the core that one of them needs, the others spin
    for its whole time slice, in every layer, and a training takes ten times as long or more. Without any spinning
    (`OMP_WAIT_POLICY=passive`) it takes twice as long on a free machine, because waking a thread costs more than a
    small layer. OpenMP reads the variables when torch is imported; worker processes inherit them.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def _while_read(work: Callable[[], int]) -> int:
    """Return the exit code of `work`; end it quietly if the output's reader has gone, e.g. in ``patina … | head``."""
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:  # Python writes what is left when it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return CLOSED_PIPE


def _attempt(command: str, arguments: Sequence[str] | None, program: str | None) -> int:
    """Run one command, and tell in one line what stops it; arguments as in `run_command`."""
    try:
        with recognising_lack_of_memory(), terminated_like_interrupted():
            given = parsed(command, arguments, program)
            with quietly(vars(given).pop("quiet")), counting_silence(), in_working_folders(command, given) as here:
                return module_of(command).run(here)
    except PatinaError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"error: {told_system_error(error)}", file=sys.stderr)
        return USAGE_ERROR
    except ModuleNotFoundError as error:
        if (error.name or "patina").startswith("patina"):
            raise
        print(f"error: the package {error.name} is missing; install Patina again (pip install -e .)", file=sys.stderr)
        return USAGE_ERROR
    except MemoryError as error:
        _tell_lack_of_memory(error)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted; to go on, run the same command again: finished results are kept", file=sys.stderr)
        return INTERRUPTED


def _tell_lack_of_memory(error: MemoryError) -> None:
    try:
        print(f"error: {_NO_MEMORY} ({error}); {_REMEDY}", file=sys.stderr)
    except MemoryError:  # even for this line
        os.write(2, b"error: there is too little memory for this command\n")


def parsed(command: str, arguments: Sequence[str] | None = None, program: str | None = None) -> argparse.Namespace:
    """Return a command's parsed arguments; opens no file.

    A command that has flags which depend on each other checks them in a function `check`.

    Raises:
        SystemExit: a flag is unknown, misused or missing; the parser has printed which.
        PatinaError: flags do not belong together, or one that others need is missing.
    """
    module = module_of(command)
    found = parser_of(command, program).parsed(arguments)
    if hasattr(module, "check"):
        module.check(found)
    return found


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Ignore errors of a thread that the main thread reports, too.

    An OSError is one, e.g. of TensorBoard's writer on a full disk; so is what Python's pool meets, up to 3.11, whose
    processes were ended while the command cancels its work; and a lack of memory.
    """
    if failure.exc_value is not None and came_of_lack_of_memory(failure.exc_value):
        return
    from concurrent.futures import InvalidStateError

    if not issubclass(failure.exc_type, OSError | InvalidStateError):
        threading.__excepthook__(failure)


def _not_cleaned_up(failure: "sys.UnraisableHookArgs") -> None:
    """Ignore what fails while objects are deleted for lack of memory, or since they were never complete."""
    error = failure.exc_value
    if error is None or isinstance(error, AttributeError) or came_of_lack_of_memory(error):
        return
    sys.__unraisablehook__(failure)


def _top_level(words: Sequence[str]) -> int:
    """Print the overview or the version, or refuse an unknown command."""
    match words:
        case []:
            print(overview())
            return USAGE_ERROR
        case ["help" | "--help" | "-help" | "-h", *_]:
            print(overview())
        case ["--version" | "-version", *_]:
            print(f"patina {__version__}")
        case ["__complete", *half_typed]:  # the scripts of `patina completion` ask this
            print(*candidates(half_typed), sep="\n")
        case [word, *_]:
            print(f"error: {_why_no_command(word)}; `patina --help` lists all commands", file=sys.stderr)
            return USAGE_ERROR
    return 0


def _why_no_command(word: str) -> str:
    if word.startswith("-"):
        return f"flags follow a command, found {word}"
    found = nearest_name(word, [*COMMANDS, "help"])
    return f"unknown command {word}" + (f", did you mean `patina {found}`?" if found else "")
