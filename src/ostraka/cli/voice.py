"""Voice of the command line: data on stdout; `error:`, then `hint:`, on stderr."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ostraka.errors import OstrakaError

if TYPE_CHECKING:
    from ostraka.progress import Progress

INTERRUPTED = 130
"""The exit code of Ctrl-C: 128 and the number of SIGINT, as shells count."""

DEBUG = "OSTRAKA_DEBUG"


class OutputFormat(StrEnum):
    """Format of what a command prints on stdout."""

    TEXT = "text"
    JSON = "json"


class _Speaker:
    """State behind what this process says on stderr.

    Attributes:
        prefix: stands before every line, where several processes share a terminal.
        progress: of the run, if there is one; it knows whether anything derived from the input has
            left.
    """

    prefix: str = ""
    progress: Progress | None = None


speaker = _Speaker()


def say(text: str) -> None:
    """Write a line for people to stderr."""
    # One write, so that lines of several processes do not mix.
    sys.stderr.write(f"{speaker.prefix}{text}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Write a `warning:` to stderr; the command goes on."""
    say(f"warning: {text}")


def emit(value: Mapping[str, Any]) -> None:
    """Write one JSON object, alone, to stdout."""
    import json

    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; report an error that ends it, and return its code."""
    try:
        return command()
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        # The reader of our stdout has gone; Python would complain once more when it flushes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return report(error)


def interrupted() -> int:
    """Report on stderr that Ctrl-C ended the command; return the exit code."""
    if sys.stderr.isatty():  # the terminal has written ^C, perhaps behind a prompt
        sys.stderr.write("\n")
    say("error: interrupted")
    _tell_data(None)
    return INTERRUPTED


def report(error: BaseException) -> int:
    """Report an error on stderr: its message, its hint, and whether data left; return the exit
    code. An error that is not ours is reported as a bug."""
    found = _known(error)
    if found is None:
        return _bug(error)
    for line in found.message.splitlines():
        say(f"error: {line}")
    if found.hint:
        say(f"hint: {found.hint}")
    if found.exit_code != 2:
        _tell_data(found.data_left)
    if found.exit_code == 70:
        _tell_bug(found)
    return found.exit_code


def _known(error: BaseException) -> OstrakaError | None:
    """Return the error if it is ours, or the first of ours inside a group; None if none is."""
    if isinstance(error, OstrakaError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if found := _known(inner):
                return found
    return None


def _tell_data(data_left: bool | None) -> None:
    progress = speaker.progress
    known = progress.data_left if progress and data_left is None else data_left
    if known is False:
        say("data: nothing of yours has left this machine")
    elif known and progress and progress.opening:
        say("data: shares of your input have left this machine; others may have the result already")
    elif known:
        say("data: shares of your input have left this machine; alone they reveal nothing")


def _bug(error: BaseException) -> int:
    say("error: this is a bug in ostraka, not something you did")
    _tell_bug(error)
    _tell_data(None)
    return 70


def _tell_bug(error: BaseException) -> None:
    """Print where a bug happened, without message or variables, as they may hold a secret."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
        return
    inner = error
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    frames = traceback.extract_tb(inner.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    say(f"hint: report this: {type(inner).__name__}{where}, from: ostraka {_command()}")
    say(f"hint: {DEBUG}=1 shows the whole traceback, which may show your input")


def _command() -> str:
    """Return the subcommand's name, without its arguments."""
    return next((word for word in sys.argv[1:] if not word.startswith("-")), "")
