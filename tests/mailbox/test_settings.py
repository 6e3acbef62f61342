"""The table [http] of a coordinator's file."""

from pathlib import Path

import pytest

from ostraka.coordinator import settings
from ostraka.errors import UsageError
from ostraka.mailbox.settings import MailboxSettings

PIN = "sha256:" + "0" * 64


def load(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(text)
    return settings.load(path)


def test_a_mailbox_beside_the_relay(tmp_path):
    found = load(tmp_path, 'listen = "a:1"\n[http]\nlisten = "127.0.0.1:8080"\nhealth = "b:2"')
    assert (found.listen, found.http) == ("a:1", "b:2")
    wanted = MailboxSettings("127.0.0.1:8080", health="b:2", directory=tmp_path)
    assert found.mailbox == wanted


def test_a_mailbox_alone(tmp_path):
    found = load(tmp_path, '[http]\nlisten = "127.0.0.1:8080"\nonly = true')
    assert found.mailbox.only
    assert (found.listen, found.http) == ("", None)


def test_all_that_the_table_may_say(tmp_path):
    text = f"""
        listen = "a:1"
        [http]
        listen = "[::]:443"
        store = "postgresql://mailbox@/reports"
        certificate = "cert.pem"
        key = "/keys/key.pem"
        proxies = ["127.0.0.1"]
        organisers = ["{PIN}"]
        only = false
        health = "127.0.0.1:9441"
        gigabytes = 0.5
        collections = 7
        keep_days = 1.5
        at_once = 9
        a_second = 0.5
    """
    assert load(tmp_path, text).mailbox == MailboxSettings(
        "[::]:443",
        "postgresql://mailbox@/reports",
        Path("cert.pem"),
        Path("/keys/key.pem"),
        ("127.0.0.1",),
        (PIN,),
        False,
        "127.0.0.1:9441",
        0.5,
        7,
        1.5,
        9,
        0.5,
        tmp_path,
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "http: listen is missing"),
        ('listen = "8080"', 'http: listen must be "host:port"'),
        ('listen = "a:1"\nstore = "reports.db"', "http: store is"),
        ('listen = "a:1"\nstores = "x"', 'http: unknown key "stores"; did you mean "store"?'),
        ('listen = "a:1"\nkey = "k.pem"', "http: certificate is missing"),
        ('listen = "a:1"\nproxies = "x"', "http: proxies must be a list of strings"),
        ('listen = "a:1"\ngigabytes = 0', "http: gigabytes must be a number above 0"),
        ('listen = "a:1"\nat_once = 0', "http: at_once must be a whole number above 0"),
        ('listen = "a:1"\nonly = 1', "http: only must be true or false"),
        ('listen = "a:1"\norganisers = ["x"]', "http: organisers: each must be"),
    ],
)
def test_a_table_that_is_not_valid(tmp_path, table, words):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f'listen = "a:1"\n[http]\n{table}')
    assert words in caught.value.message


def test_only_a_mailbox_needs_no_address_of_a_relay(tmp_path):
    with pytest.raises(UsageError, match="listen is missing"):
        load(tmp_path, '[http]\nlisten = "a:1"')
    with pytest.raises(UsageError, match='unknown key "mailbox"'):
        load(tmp_path, 'listen = "a:1"\n[mailbox]\nlisten = "a:1"')


def test_the_file_in_the_repository_says_what_is_so_anyway():
    top = Path(__file__).parents[2] / "configs" / "coordinator"
    found = settings.load(top / "mailbox.toml").mailbox
    usual = MailboxSettings(
        "127.0.0.1:8080", proxies=("127.0.0.1",), health="127.0.0.1:9441", directory=top
    )
    assert found == usual
