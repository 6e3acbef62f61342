"""A coordinator's file and options."""

from pathlib import Path

import pytest

from ostraka.coordinator import settings
from ostraka.coordinator.settings import Settings
from ostraka.errors import UsageError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_coordinator_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", 'listen = "127.0.0.1:0"')
    found = settings.load(path)
    assert (found.listen, found.name, found.allow) == ("127.0.0.1:0", "coordinator", None)
    assert found.keys == tmp_path
    pin = "sha256:" + "0" * 64
    write(path, f'listen = "[::]:9440"\nname = "relay"\nkeys = "/k"\nallow = ["{pin}"]')
    assert settings.load(path) == Settings("[::]:9440", "relay", Path("/k"), (pin,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "listen is missing"),
        ("listen = 3", "listen must be a string"),
        ('listen = "9440"', 'listen must be "host:port"'),
        ('listen = "a:99999"', 'listen must be "host:port"'),
        ('listen = "a:1"\nkey = "x"', 'unknown key "key"; did you mean "keys"?'),
        ('listen = "a:1"\nallow = "x"', "allow must be a list"),
        ('listen = "a:1"\nallow = ["x"]', 'allow: each must be "sha256:"'),
        ("listen = ", "is not TOML"),
        ('listen = "a:1"\nhttp = "9441"', 'http must be "host:port"'),
        ('listen = "a:1"\nlog = "xml"', "log must be one of text, json"),
        ('listen = "a:1"\nlevel = "loud"', "level must be one of debug, info, warning, error"),
        ('listen = "a:1"\nlog_sources = 1', "log_sources must be true or false"),
        ('listen = "a:1"\ndrain = true', "drain must be a number of seconds"),
        ('listen = "a:1"\ndrain = -1', "drain must be a number of seconds"),
    ],
)
def test_bad_coordinator_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.load(write(tmp_path / "c.toml", text))
    assert words in caught.value.message
    assert caught.value.exit_code == 2


def test_the_coordinator_s_file_may_have_a_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", b'\xef\xbb\xbflisten = "127.0.0.1:0"')
    assert settings.load(path).listen == "127.0.0.1:0"


def test_all_that_a_file_may_say(tmp_path: Path) -> None:
    text = (
        'listen = "a:1"\nhttp = "b:2"\nlog = "json"\nlevel = "debug"\nlog_sources = true\ndrain = 3'
    )
    found = settings.load(write(tmp_path / "c.toml", text))
    said = (found.http, found.log, found.level, found.log_sources, found.drain)
    assert said == ("b:2", "json", "debug", True, 3.0)


def test_an_option_that_is_not_valid() -> None:
    with pytest.raises(UsageError, match="--log must be one of"):
        settings.of_options({"log": "xml"})
