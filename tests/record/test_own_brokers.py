"""Access to brokers, in NAME.toml and in the environment: a password goes to its broker alone."""

import pytest

from ostraka import home
from ostraka.errors import UsageError
from ostraka.record.own_brokers import BrokerAccess

URL = "mqtts://b.example:8883"


def read(tmp_path, text, environ=None):
    (tmp_path / "alice.toml").write_text(text)
    (tmp_path / "alice.toml").chmod(0o600)
    return home.own_network("alice", tmp_path, environ=environ or {}).brokers


def secret(path, text="s3cret\n", mode=0o600):
    path.write_text(text)
    path.chmod(mode)


def test_all_that_a_broker_may_ask_for(tmp_path):
    secret(tmp_path / "word")
    secret(tmp_path / "a.key")
    (found,) = read(
        tmp_path,
        f'[mqtt]\nbroker = "{URL}"\nuser = "alice"\npassword_file = "word"\n'
        'ca = "ca.pem"\ncertificate = "a.pem"\nkey = "a.key"\n',
    )
    assert found == BrokerAccess(
        URL, "alice", "s3cret", tmp_path / "ca.pem", tmp_path / "a.pem", tmp_path / "a.key"
    )
    assert "s3cret" not in repr(found)


def test_without_a_file_there_is_no_access(tmp_path):
    assert home.own_network("alice", tmp_path, environ={}).brokers == ()


def test_several_brokers_are_a_list(tmp_path):
    text = f'[[mqtt]]\nbroker = "{URL}"\n[[mqtt]]\nbroker = "mqtt://[::1]:1883"\nuser = "a"\n'
    assert [access.user for access in read(tmp_path, text)] == [None, "a"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mqtt = 3", r"mqtt is a table"),
        ("[mqtt]\n", r"\[mqtt\] broker must be"),
        (f'[mqtt]\nbroker = "{URL}"\npassword = "x"', r'unknown key "password".*password_file'),
        (f'[mqtt]\nbroker = "{URL}"\nusr = "x"', r'unknown key "usr".*did you mean "user"'),
        (f'[mqtt]\nbroker = "{URL}"\nuser = 3', r"user is a text"),
        ('[mqtt]\nbroker = "mqtts://a:b@c:1"', r"must not have a user or password"),
        ('[mqtt]\nbroker = "https://c:1"', r'must be "mqtts://host:port"'),
        (f'[mqtt]\nbroker = "{URL}"\nkey = "k"', r"certificate and key go together"),
        (f'[mqtt]\nbroker = "{URL}"\npassword_file = "w"', r"password_file goes with user"),
        (f'[[mqtt]]\nbroker = "{URL}"\n[[mqtt]]\nbroker = "{URL}"', r"names a broker twice"),
    ],
)
def test_mistakes(tmp_path, text, why):
    with pytest.raises(UsageError, match=why):
        read(tmp_path, text)


@pytest.mark.parametrize("name", ["word", "a.key"])
def test_secrets_that_others_can_read_are_refused(tmp_path, name):
    secret(tmp_path / "word")
    secret(tmp_path / "a.key")
    (tmp_path / name).chmod(0o640)
    text = 'user = "alice"\npassword_file = "word"\ncertificate = "a.pem"\nkey = "a.key"\n'
    with pytest.raises(UsageError, match="others could read your"):
        read(tmp_path, f'[mqtt]\nbroker = "{URL}"\n{text}')


def test_the_environment_gives_user_and_password_for_one_broker(tmp_path):
    """Also with characters that a URL would take for its own; the rest stays the file's."""
    text = f'[[mqtt]]\nbroker = "{URL}"\nca = "ca.pem"\n[[mqtt]]\nbroker = "mqtts://other:1"\n'
    environ = {"OSTRAKA_MQTT": "mqtts://alice:p%40ss%3A@b.example:8883"}
    found = {access.broker: access for access in read(tmp_path, text, environ)}
    assert found[URL] == BrokerAccess(URL, "alice", "p@ss:", tmp_path / "ca.pem")
    assert found["mqtts://other:1"].password is None


@pytest.mark.parametrize(
    "value",
    ["alice:s3cret@b.example:8883", "mqtts://s3cret@b:1", "mqtts://b:1", "http://a:s3cret@b:1"],
)
def test_a_wrong_environment_is_never_repeated(tmp_path, value):
    with pytest.raises(UsageError, match="OSTRAKA_MQTT") as caught:
        read(tmp_path, "", {"OSTRAKA_MQTT": value})
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"
