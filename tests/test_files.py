"""Files read with a bound, and modes that allow too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.files import loose_modes, read_bounded


def test_a_file_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    assert read_bounded(path, 10) == b"x" * 10
    with pytest.raises(UsageError, match="larger than 9 bytes"):
        read_bounded(path, 9)
    with pytest.raises(UsageError, match="No such file"):
        read_bounded(tmp_path / "none")


def test_loose_modes(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.touch()
    for mode, fine in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        path.chmod(mode)
        assert (loose_modes(path, 0o600) is None) == fine
    assert "No such file" in str(loose_modes(tmp_path / "none", 0o600))
