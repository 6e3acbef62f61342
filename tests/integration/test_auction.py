"""An auction whose recipients learn different things, through real processes to the receipts."""

import hmac
import json
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

from ostraka import manifest
from ostraka.session.session import Session

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"
BIDS = {"alice": 310, "bob": 295, "carlos": 402}


@pytest.fixture
def auction(fleet):
    """The finished processes of one honest auction."""
    relay = fleet.coordinator()
    key = fleet.fingerprint("coordinator")
    text = '[session]\ntitle = "Sale"\nprotocol = "auction"\ndeadline = "15s"\ntimeout = "10s"\n'
    text += f'coordinator = {{ address = "{relay.address}", key = "{key}" }}\n'
    for name in BIDS:
        text += f'[[party]]\nname = "{name}"\nkey = "{fleet.fingerprint(name)}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
    text += '[input]\ntype = "int"\nmin = 0\nmax = 1000\n[outputs]\n'
    text += 'reveal = { alice = ["price"], bob = ["price"], carlos = ["winner", "price"] }\n'
    text += '[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    path = fleet.directory / "session.toml"
    path.write_text(text)
    running = {name: fleet.run(path, name, bid) for name, bid in BIDS.items()}
    return fleet.finish(running)


def test_each_learns_its_figures_and_no_honest_party_is_accused(auction, fleet):
    price = {"price": 402}
    assert {name: process.values for name, process in auction.items()} == {
        "alice": price, "bob": price, "carlos": {"winner": "carlos", **price},
    }  # fmt: skip
    assert not [process.err for process in auction.values() if "warning" in process.err]
    for name, process in auction.items():
        path = process.result["receipt"]
        cli = ["-m", "ostraka.cli.main", "verify", path, "--output", "json"]
        said = fleet.start("verify", cli).finish()
        assert (said.code, said.err) == (0, ""), name
        found = json.loads(said.out)
        assert found["complete"] is True
        assert found["figures"] == [
            {"name": "price", "readers": ["alice", "bob", "carlos"]},
            {"name": "winner", "readers": ["carlos"]},
        ]
        alone = [SCRIPT, path]
        assert fleet.start("verify alone", alone).code == 0


# --- a recipient that tries all winners ----------------------------------------------------------


def number(value):
    """The bytes that commitments are over, for one opened integer."""
    return b"<i8\x001\0" + value.to_bytes(8, "little")


def commitments(key, winner, price):
    """Commitments to a winner that a party with this key could make, in both formats."""
    both = b"winner\0" + number(winner) + b"price\0" + number(price)
    yield hmac.digest(key, both, "sha256").hex()
    for nonce in (key, hmac.digest(key, b"ostraka figure\0winner", "sha256")):
        yield hmac.digest(nonce, number(winner), "sha256").hex()


def guessed(keys, statement, price):
    """Winners that fit a statement, when all are tried under all keys."""
    return {
        winner
        for key, winner in product(keys, range(len(BIDS) + 1))
        if any(value in statement for value in commitments(key, winner, price))
    }


def held(session):
    """Every value of 32 bytes that a party holds at the end and that could be a key."""
    shown = [ready.result_nonces for ready in session.readies.values()]
    pieces = [text[i : i + 32] for text in shown for i in range(0, len(text), 32)]
    hellos = [hello.nonce for hello in session.hellos.values()]
    keys = {*session.result_keys.values(), *pieces, *hellos, session.id, session.manifest.digest}
    return {*keys, *(sha256(b"ostraka readers\0" + session.id + key).digest() for key in keys)}


async def test_alice_cannot_find_the_winner_from_carlos_s_statement_by_trying(office, monkeypatch):
    """Old code let her: one key over all figures was held by all recipients."""
    sessions = {}

    async def close(session):
        sessions[session.me] = session
        await closed(session)

    closed = Session.close
    monkeypatch.setattr(Session, "close", close)
    heard = {}

    async def exchange(session, own):
        heard[session.me] = await exchanged(session, own)
        return heard[session.me]

    exchanged = Session.exchange_statements
    monkeypatch.setattr(Session, "exchange_statements", exchange)
    roles = dict.fromkeys(BIDS, '"contributor", "compute", "recipient"')
    agreed = manifest.parse(
        '[session]\ntitle = "Sale"\nprotocol = "auction"\ndeadline = "10s"\n'
        f'{office.tables(roles)}[input]\ntype = "int"\nmin = 0\nmax = 1000\n[outputs]\n'
        'reveal = { alice = ["price"], bob = ["price"], carlos = ["winner", "price"] }\n'
        '[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    )
    await office.run(agreed, BIDS)
    statement = heard["alice"]["carlos"].body.decode()
    price = BIDS["carlos"] + 1  # prices count from the least bid; zero says that nothing was sold
    assert guessed(held(sessions["carlos"]), statement, price) == {3}
    for party in ("alice", "bob"):
        assert guessed(held(sessions[party]), statement, price) == set()
    assert guessed(held(sessions["alice"]) | held(sessions["bob"]), statement, price) == set()
