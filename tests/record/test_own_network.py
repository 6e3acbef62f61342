"""A party's own way to the network: NAME.toml, the environment and options, and what overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostraka.addresses import Proxy
from ostraka.errors import UsageError
from ostraka.record.own_network import OwnNetwork, load_network
from ostraka.record.own_rules import load_rules


@pytest.fixture
def write(tmp_path):
    def write(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "alice.toml"
        path.write_text(text)
        path.chmod(mode)
        return tmp_path

    return write


def test_nothing_is_set_by_default(tmp_path, write):
    assert load_network("alice", tmp_path) == OwnNetwork(None, None)
    assert load_network("alice", write('[[budget]]\nsource = "s"\n')) == OwnNetwork()


def test_both_beside_a_budget(write):
    keys = write(
        '[network]\nlisten = "[::]:9441"\nproxy = "socks5h://a%40b:p%3Aw@127.0.0.1:9050"\n'
        '[[budget]]\nsource = "s"\n'
    )
    expected = OwnNetwork("[::]:9441", Proxy("127.0.0.1:9050", "a@b", "p:w"))
    assert load_network("alice", keys) == expected
    assert len(load_rules("alice", keys)) == 1
    assert "p:w" not in repr(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('network = "x"', "network is a table"),
        ('[network]\nlisen = "[::]:1"', 'unknown key "lisen" in [network]; did you mean "listen"?'),
        ('[network]\nlisten = "x"', '[network] listen must be "host:port"'),
        ("[network]\nproxy = 3", '[network] proxy must be "host:port"'),
        ('[network]\nproxy = "socks5://h:1"', "the proxy itself looks up names"),
        ('[network]\nproxy = "http://h:1"', "must be a SOCKS5 proxy"),
        ('[network]\nproxy = "secret@h:1"', "has credentials that are not"),
    ],
)
def test_what_is_not_valid_is_refused_without_repeating_a_secret(write, text, words):
    with pytest.raises(UsageError) as refused:
        load_network("alice", write(text))
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_files_that_others_may_write_or_read(write):
    with pytest.raises(UsageError, match="lead your connections astray"):
        load_network("alice", write("", 0o666))
    assert load_network("alice", write('[network]\nproxy = "h:1"', 0o644)).proxy == Proxy("h:1")
    with pytest.raises(UsageError, match="could read your proxy's password"):
        load_network("alice", write('[network]\nproxy = "u:p@h:1"', 0o644))


def test_options_come_before_the_environment_and_this_before_the_file():
    file = OwnNetwork("[::]:1", Proxy("file:1", "u", "p"))
    assert file.changed(None, None, None) == file
    assert file.changed(None, None, "") == file
    assert file.changed("127.0.0.1:2", None, "u:p@env:1") == OwnNetwork(
        "127.0.0.1:2", Proxy("env:1", "u", "p")
    )
    assert file.changed(None, "option:1", "env:1").proxy == Proxy("option:1")


def test_an_option_that_names_the_known_proxy_keeps_its_password():
    known = Proxy("file:1", "u", "p")
    assert OwnNetwork(proxy=known).changed(None, "socks5h://file:1", None).proxy == known


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("x", None, None), '--listen must be "host:port"'),
        ((None, "x", None), '--proxy must be "host:port"'),
        ((None, "u:secret@h:1", None), "--proxy takes no password"),
        ((None, None, "u:secret@"), 'OSTRAKA_PROXY must be "host:port"'),
    ],
)
def test_options_that_are_not_valid(options, words):
    with pytest.raises(UsageError) as refused:
        OwnNetwork().changed(*options)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value) + refused.value.hint
