"""Runs one target under atheris: fuzz_run.py TARGET [options of libFuzzer and directories]."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ostraka", "fuzz_targets"]):
    import fuzz_targets


def main() -> None:
    name = sys.argv.pop(1)
    fuzz_targets.without_waiting_for_disks()
    atheris.Setup(sys.argv, fuzz_targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
