"""The `ostraka` command: prepares the process, then has the command line parsed."""

from __future__ import annotations

import sys

import ostraka
from ostraka.cli import startup, voice
from ostraka.cli.endings import endings


def main() -> None:
    """Run the command line and exit with its exit code; the console script calls this."""
    startup.hold_collections()
    _no_core_dumps()
    voice.prepare()
    endings.watch()
    endings.leave(voice.guarded(_run))


def _run() -> int:
    if sys.argv[1:] == ["--version"]:  # takes no parser
        print(f"ostraka {ostraka.__version__}")
        return 0
    from ostraka.cli import commands

    return commands.run()


def _no_core_dumps() -> None:
    """Forbid core dumps: a dump of this process would hold keys and inputs."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


if __name__ == "__main__":
    main()
