"""Voice of the command line: data on stdout; `error:`, then `hint:`, on stderr."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final

from ostraka.cli import screen, streams
from ostraka.errors import OstrakaError, Temporary, UsageError
from ostraka.text import visible

if TYPE_CHECKING:
    from ostraka.progress import Progress

INTERRUPTED = 130
"""Exit code of Ctrl-C: 128 and the number of SIGINT, as shells count."""

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
        kept: the session of a result that is known and kept on disk, for `ostraka result`.
        signal: the number of the signal that ends this process; 0 before.
    """

    prefix: str = ""
    progress: Progress | None = None
    kept: str = ""
    signal: int = 0


speaker = _Speaker()


def say(text: str) -> None:
    """Write a line for people to stderr; what peers put into it moves no cursor."""
    # One write, so that lines of several processes do not mix.
    sys.stderr.write(f"{speaker.prefix}{visible(text)}\n")
    sys.stderr.flush()


def drain() -> bool:
    """Wait a moment until stderr has taken all that was said, and return whether it has."""
    return not isinstance(sys.stderr, streams.Stderr) or sys.stderr.drain()


def warn(text: str) -> None:
    """Write a `warning:` to stderr; the command goes on."""
    say(f"{screen.paint('warning:', 'yellow', sys.stderr)} {text}")


def fail(text: str) -> None:
    """Write an `error:` to stderr."""
    say(f"{screen.paint('error:', 'red', sys.stderr)} {text}")


def emit(value: Mapping[str, Any]) -> None:
    """Write one JSON object, alone, to stdout."""
    import json

    print(json.dumps(value, ensure_ascii=not _all_letters(), default=str), flush=True)


def emit_file(content: str) -> None:
    """Write the content of a text file to stdout: UTF-8 in every locale."""
    if isinstance(sys.stdout, TextIOWrapper) and not _all_letters():
        sys.stdout.reconfigure(encoding="utf-8")
    print(content, end="", flush=True)


def _all_letters() -> bool:
    """Return whether stdout takes the letters of all languages."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8")


def prepare() -> None:
    """Make stdout and stderr take any text: a letter that the locale lacks is written as its code.

    Writing to stderr never fails from then on. A standard descriptor that is closed is opened on
    nothing: else the next file or link that is opened would get its number, and our output.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = streams.Closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not isinstance(sys.stderr, streams.Stderr):
        sys.stderr = streams.Stderr(sys.stderr)


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; report an error that ends it, and return its code."""
    try:
        code = command()
        _flush()
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        _discard_output()
        return 1
    except Exception as error:
        code = report(error)
        _discard_output()
    return code


def _flush() -> None:
    sys.stdout.flush()


def _discard_output() -> None:
    """Send what is left in stdout nowhere: Python would complain when it flushes it at its end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def interrupted() -> int:
    """Report on stderr that a signal ended the command; return the exit code."""
    number = speaker.signal or signal.SIGINT
    # The terminal has written ^C, perhaps behind a prompt.
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    fail(signalled(number))
    if speaker.progress and not speaker.kept:
        say("hint: run it again when you want to take part")
    _tell_data(None)
    return 128 + number


def signalled(number: int) -> str:
    """Return what a signal did, for a person."""
    if number == signal.SIGINT:
        return "interrupted"
    if number == signal.SIGHUP:
        return "ended by SIGHUP: its terminal was closed"
    return f"ended by {signal.Signals(number).name}"


def report(error: BaseException) -> int:
    """Report an error on stderr: its message, its hint, and whether data left; return the exit
    code. An error that is not ours is reported as a bug."""
    found = _known(error) or _of_the_system(error)
    if found is None:
        return _bug(error)
    for line in found.message.splitlines():
        fail(line)
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


_CAUSES: Final[Mapping[int, str]] = {
    errno.EMFILE: "raise the limit of open files: ulimit -n 1024",
    errno.ENFILE: "the whole machine has too many files open: try again later",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space: your quota is used up",
    errno.ENOMEM: "close other programs, or use a machine with more memory",
    errno.EIO: "the device failed: try again, or use another",
    errno.EAGAIN: "the machine is busy: try again later",
    errno.EFBIG: "the file would be larger than the limit: ulimit -f",
}
"""Advice for when the machine lacks something that trying again may find."""


def _of_the_system(error: BaseException) -> OstrakaError | None:
    """Return an error of ours for one of the machine, or the first such inside a group.

    The operating system refuses for lack of something, which may pass, or for another cause, which
    is the caller's to mend. An `OSError` without a number is none of its refusals."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_of_the_system, error.exceptions)), None)
    if isinstance(error, MemoryError):
        return Temporary("not enough memory for this", hint=_CAUSES[errno.ENOMEM])
    if not isinstance(error, OSError) or error.errno is None:
        return None
    message = f"the system says: {error.strerror}"
    if isinstance(error.filename, str):
        message = f"cannot use {error.filename}: {error.strerror}"
    elif error.errno in _OF_OUTPUT:
        message = f"cannot write the output: {error.strerror}"
    hint = _CAUSES.get(error.errno, "")
    return Temporary(message, hint=hint) if hint else UsageError(message)


_OF_OUTPUT: Final = (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG)
"""Errors of writing; without a file's name they are those of stdout."""


def _tell_data(data_left: bool | None) -> None:
    progress = speaker.progress
    if progress and progress.settled:
        say(f"ledger: {progress.settled_in_words}")
    if speaker.kept:
        say(f"result: it is known and kept; print it with: ostraka result {speaker.kept[:12]}")
    known = progress.data_left if progress and data_left is None else data_left
    if known is not None:
        from ostraka.progress import data_in_words

        say(f"data: {data_in_words(known, opening=bool(progress and progress.opening))}")


def _bug(error: BaseException) -> int:
    fail("this is a bug in ostraka, not something you did")
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
