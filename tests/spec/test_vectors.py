"""Test vectors: made anew they are the same, bad ones are refused, the reference finds the same."""

import asyncio
import hashlib
import hmac
import json
import struct
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw, Stream
from ostraka.engine.shamir import king
from ostraka.engine.shamir.deal import deal
from ostraka.engine.shamir.gates import Gates
from ostraka.engine.shamir.offers import Offers
from ostraka.engine.shamir.opening import open_shares
from ostraka.errors import PeerViolation
from ostraka.noise import samplers
from ostraka.record import statements
from ostraka.record.statements import About, Roster
from ostraka.session.nonces import ResultNonces
from ostraka.sharing.shamir import Shamir
from ostraka.wire import frames
from ostraka.wire.messages import decode

top = Path(__file__).resolve().parents[2]
P = (1 << 61) - 1
NAMES = ("alice", "bob", "carlos")
KINDS = ("frames", "streams", "pair_seeds", "zero", "deal", "king", "compare", "shuffle",
         "coin", "gate_fold", "audit", "consent", "closing", "noise",
         "hpke", "collection")  # fmt: skip


def cases(name):
    return json.loads((top / "tests" / "vectors" / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def vectors():
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader("script_vectors", str(top / "scripts" / "vectors"))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def test_every_kind_has_a_bad_twin(vectors):
    assert set(vectors.FILES) == {*KINDS, *(f"bad_{kind}" for kind in KINDS)}


@pytest.mark.parametrize("name", [*KINDS, *(f"bad_{kind}" for kind in KINDS)])
def test_made_anew_they_are_the_same(vectors, name):
    assert (vectors.VECTORS / f"{name}.json").read_text() == vectors.written(name)


# --- bad ones ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("bad_frames"), ids=lambda case: case["body"][:64] or "empty")
def test_bad_frames_are_refused(case, reference):
    body = bytes.fromhex(case["body"])
    with pytest.raises(PeerViolation, match=case["error"]):
        decode(body)
    with pytest.raises(reference.Stop, match=case["error"].split()[0]):
        reference.decode(body)


def test_bad_seeds_of_streams_are_refused():
    for case in cases("bad_streams"):
        with pytest.raises(ValueError, match=case["error"]):
            Stream(bytes.fromhex(case["seed"]), case["label"])


def test_bad_offers_are_refused():
    for case in cases("bad_pair_seeds"):
        names = ("p0", "p1", "p2")
        offers = Offers(Shamir((), names, 1), "p2", SeededDraw(0), case["count"])
        with pytest.raises(ValueError, match=case["error"]):
            offers.take("p0", np.frombuffer(bytes.fromhex(case["offer"]), np.uint64))


async def a_deal(engine):
    x = np.ones(2, np.uint64)
    return await deal(engine, [0], 2, x.__getitem__ if engine.me == 0 else None, total=True)


async def kings(engine):
    return await king.reduced(engine, 12, np.ones(12, np.uint64).__getitem__)


async def an_opening(engine):
    return await open_shares(engine, np.ones(2, np.uint64), proven=False)


@pytest.mark.parametrize(
    ("kind", "program"), [("deal", a_deal), ("king", kings), ("zero", an_opening)]
)
def test_numbers_that_are_no_elements_are_refused(vectors, kind, program):
    for case in cases(f"bad_{kind}"):

        def change(step, _sender, _to, message, case=case):
            if step.n == 0:  # seeds of pairs
                return message
            message = message.copy()
            message[case["place"]] = case["number"]
            return message

        found, _ = vectors.together(5, 2, program, change=change)
        assert any(case["error"] in str(outcome) for outcome in found)


def test_coins_that_were_not_committed_to_are_refused(vectors):
    for case in cases("bad_coin"):

        def change(step, sender, to, message, case=case):
            if (step.n, sender, to) != (1, "p0", "p1"):
                return message
            message = message.copy()
            message[0 if case["flip"] == "link" else 32] ^= 1
            return message

        found, _ = vectors.together(3, 1, vectors.a_product, active=True, change=change)
        assert case["error"] in found[1]


def test_false_products_are_found(vectors):
    for case in cases("bad_audit"):

        async def program(engine, who=case["wrong at"]):
            return await vectors.a_product(engine, who in ("all", engine.party.me))

        found, _ = vectors.together(case["n"], case["t"], program, active=True)
        assert all(case["error"] in str(outcome) for outcome in found)


def test_flipped_bits_are_found(vectors):
    for case in cases("bad_gate_fold"):

        async def program(engine, flip=case["flip"]):
            """Party 0 sent party 2 a word with one bit flipped: both hold what was sent."""
            x, y, z, zero = vectors.gate_of(engine.me)
            for component in [0] if engine.me == 0 else [1] if engine.me == 2 else []:
                z[component] ^= np.uint64(1 << flip)
            gates = Gates(engine)
            gates.add(x, y, z, zero)
            engine.audit.sums(*await gates.claims(engine.audit.coin))
            await engine.audit.settle()

        found, _ = vectors.together(3, 1, program, active=True)
        assert all(case["error"] in str(outcome) for outcome in found)


@pytest.mark.parametrize("kind", ["compare", "shuffle"])
def test_bad_bits_and_shuffles_are_found(vectors, kind):
    vectors_bits = sys.modules["vectors_bits"]

    async def program(engine):
        x = vectors_bits.shared_numbers(engine, [-1, 2, 3, 10, 20, 30])
        if kind == "compare":
            return await engine.open(await vectors_bits.less_than_zero(x[:2]))
        return await engine.open(await vectors_bits.shuffle(x.reshape(2, 3)))

    for case in cases(f"bad_{kind}"):

        def change(step, sender, to, message, case=case):
            if (step.n, sender, to) != (case["step"], case["sender"], case["to"]):
                return message
            message = message.copy()
            message[0] ^= 1
            return message

        found, _ = vectors.together(3, 1, program, active=True, change=change)
        assert any(case["error"] in str(outcome) for outcome in found)


def test_bad_statements_stop_an_agreement(vectors):
    for case in cases("bad_consent"):

        def change(_step, sender, to, message, said=case["said"]):
            first = (sender, to) == ("p1", "p0") and message[0] == 1
            return np.frombuffer(bytes.fromhex(said), np.uint8) if first else message

        found, _ = vectors.agreeing(vectors.holdings(), change=change)
        assert case["error"] in found["p0"]


def test_statements_are_what_the_page_says():
    """All consent and vote; consent twice where some are missing; a refusal ends it."""
    well, missing, refused = cases("consent")
    assert {data for *_, data in well["messages"]} == {"01ff01", "02ff01"}
    steps = [step for *_, step, _ in well["messages"]]
    assert set(steps) == {"1.0", "2.0"}
    less = "fd00"
    assert {data for *_, data in missing["messages"]} == {"01ff01", f"01{less}", f"02{less}"}
    assert missing["counted"]["p0"] == [f"c{i}" for i in range(9) if i not in (1, 8)]
    assert [data for sender, *_, data in refused["messages"] if sender == "p1"] == ["000000"] * 2
    assert set(refused["counted"].values()) == {None}


def test_bad_statements_are_refused():
    about = About(bytes(range(32)), bytes(range(32, 64)), Roster(NAMES, NAMES[:2], NAMES))
    for case in cases("bad_closing"):
        with pytest.raises(PeerViolation, match=case["error"]):
            statements.read(case["statement"], "alice", about)
    (good,) = cases("closing")
    assert statements.read(good["statement"], "alice", about)["party"] == "alice"


def test_nonces_other_than_promised_are_refused():
    (case,) = cases("closing")
    mine = ResultNonces("alice", (NAMES[:2],), bytes(32))
    shown, hello = bytes.fromhex(case["nonces"][1]), bytes.fromhex(case["nonces of Hellos"][1])
    mine.take("bob", shown, hello)
    for wrong in (bytes(32), shown[:31], shown + shown, b""):
        with pytest.raises(PeerViolation, match="nonces of"):
            mine.take("bob", wrong, hello)


def test_the_end_of_a_session_in_plain_python():
    """As section 6 and 7 of gathering.md say."""
    (case,) = cases("closing")

    def H(*parts):
        return hashlib.sha256(b"".join(parts)).digest()

    given = [bytes.fromhex(nonce) for nonce in case["nonces"]]
    promised = [H(b"ostraka hello nonce\0", H(b"ostraka nonce hash\0", nonce)) for nonce in given]
    assert [promise.hex() for promise in promised] == case["nonces of Hellos"]
    key = H(b"ostraka readers\0", bytes.fromhex(case["session"]), *given)
    assert key.hex() == case["key"]
    for name, vector in case["figures"].items():
        nonce = hmac.digest(key, f"ostraka figure\0{name}".encode(), "sha256")
        part = f"<i8\0{len(vector)}\0".encode() + struct.pack(f"<{len(vector)}q", *vector)
        assert hmac.digest(nonce, part, "sha256").hex() == case["commitments"][name]
    sent = hmac.new(bytes.fromhex(case["key of sent"]), digestmod="sha256")
    for to, step, kind, data in case["sent"]:
        raw, (dtype, size) = bytes.fromhex(data), {"u8": ("<u8", 8), "u1": ("|u1", 1)}[kind]
        sent.update(f"{to}\0{step}\0{dtype}\0{len(raw) // size}\0".encode() + H(raw))
    statement = json.loads(case["statement"])
    assert statement["sent"] == sent.hexdigest()
    (group,) = statement["figures"]
    assert group == {"commitments": case["commitments"], "readers": [0, 1]}
    assert json.dumps(statement, sort_keys=True, separators=(",", ":")) == case["statement"]


def test_noise_without_a_scale_is_refused():
    for case in cases("bad_noise"):
        with pytest.raises(ValueError, match=case["error"]):
            getattr(samplers, case["kind"])(Fraction(case["parameter"]))


# --- the reference -------------------------------------------------------------------------------


def test_the_reference_reads_the_same_streams(reference):
    for case in cases("streams"):
        seed = bytes.fromhex(case["seed"])
        assert reference.Stream(seed, case["label"]).words(6) == case["words"]
        assert reference.Stream(seed, case["label"]).elements(6) == case["elements"]


def test_the_reference_makes_the_same_seeds_of_pairs(reference):
    for case in cases("pair_seeds"):
        both = sorted(zip(case["parties"], case["halves"], strict=True))
        halves = [bytes.fromhex(half) for _, half in both]
        assert reference.H(b"ostraka pair 1", *halves).hex() == case["seed"]


def streams_of(reference, case, me):
    """How one party of a vector reads its streams, for one use."""
    seeds = list(map(bytes.fromhex, case["seeds"][me]))
    return lambda j, use, count: reference.Stream(seeds[j], f"engine {use}").elements(count)


def test_the_reference_makes_the_same_parts_of_zero(reference):
    for case in cases("zero"):
        parts = []
        for me in range(2 * case["t"] + 1):
            draw = streams_of(reference, case, me)
            parts.append(reference.zero_part(me, case["t"], lambda j, d=draw: d(j, "zero", 2), 2))
        assert parts == case["parts"][: len(parts)]
        assert reference.combine([1] * len(parts), parts) == [0, 0]


def test_the_reference_deals_the_same(reference):
    for case in cases("deal"):
        n, dealer = case["n"], case["dealer"]
        draw = streams_of(reference, case, dealer)
        seeded = reference.dealt_to(dealer, n, case["t"])
        drawn = {j: draw(j, f"deal {dealer}", 2) for j in seeded}
        shares = reference.complete(case["x"], drawn, n, True)
        assert [shares[j] for j in range(n)] == case["shares"]
        sent = {to: words for _, to, _, words in case["messages"]}
        assert sent == {
            f"p{j}": reference.pack(shares[j]).hex()
            for j in range(n)
            if j != dealer and j not in seeded
        }


def test_the_reference_makes_the_same_shares(reference):
    for case in cases("sharing"):
        names, who, shamir = case["compute"], case["contributor"], case["scheme"] == "shamir"
        own = names.index(who) if who in names else None
        place, n = case["contributors"].index(who), len(names)
        seeded = reference.seeded(own, place, n, case.get("threshold", 0), shamir)
        seeds = dict(zip(seeded, map(bytes.fromhex, case["seeds"]), strict=True))
        x = [value % (P if shamir else 1 << 64) for value in case["input"]]
        drawn = {j: reference.drawn_share(seed, len(x), shamir) for j, seed in seeds.items()}
        shares = reference.complete(x, drawn, n, shamir)
        assert [shares[j] for j in range(n)] == [case["shares"][name] for name in names]
        parcels = [seeds.get(j) or reference.pack(shares[j]) for j in range(n)]
        assert [parcel.hex() for parcel in parcels] == [case["parcels"][name] for name in names]


def test_the_reference_refuses_shares_of_no_polynomial(reference):
    for case in cases("bad_sharing"):
        names = case["compute"]
        if case["scheme"] == "shamir":
            with pytest.raises(reference.Stop):
                announced = {
                    names.index(name): reference.unpack(bytes.fromhex(data), P)
                    for name, data in case["announced"].items()
                }
                reference.recombine(announced, len(names), case["threshold"])


def test_the_reference_writes_the_same_messages(reference):
    for case in cases("frames"):
        frame = bytes.fromhex(case["frame"])
        if frame[0] == 1:
            number, *fields = reference.decode(frame[frames.HEADER :])
            assert fields == list(decode(frame[frames.HEADER :]))
            assert reference.encode(number, *fields) == frame[frames.HEADER :]


class Mail:
    """Vectors among parties of the reference, in memory."""

    def __init__(self, m, me, box):
        self.m, self.me, self.box = m, me, box

    def is_lost(self, _peer):
        return False

    def say(self, to, phase, step, _dtype, data):
        self.box.setdefault((self.me, to), asyncio.Queue()).put_nowait((f"{phase}.{step}", data))

    async def hear(self, of, phase, step, _dtype, length):
        at, data = await self.box.setdefault((of, self.me), asyncio.Queue()).get()
        assert (at, len(data)) == (f"{phase}.{step}", length)
        self.box.setdefault("said", []).append([of, self.me, at, data.hex()])
        return data


@pytest.mark.parametrize("case", cases("consent"), ids=["all", "missing", "refused"])
async def test_the_reference_agrees_in_the_same_messages(reference, case):
    everybody, parties, box = [f"c{i}" for i in range(9)], ["p0", "p1", "p2"], {}

    async def party(me):
        m = reference.Manifest.__new__(reference.Manifest)
        m.parties, m.contributors, m.compute = parties, everybody, parties
        m.n, m.t, m.minimum = 3, 1, 1
        m.vote, m.agreed, m.phase = False, True, {"first": 1, "later": 2}
        found = reference.Party(Mail(m, me, box))
        found.agrees = lambda _names: me != case["refuses"]
        return await found.agree(
            set(everybody) - set(case["missing at p1"].split() if me == "p1" else ())
        )

    counted = await asyncio.gather(*map(party, parties), return_exceptions=True)
    if case["refuses"]:
        assert all(isinstance(outcome, reference.Stop) for outcome in counted)
    else:
        assert counted == [set(case["counted"][me]) for me in parties]
        assert sorted(box["said"]) == sorted(case["messages"])


RECEIPTS = json.loads((top / "tests" / "vectors" / "receipts" / "expected.json").read_text())


@pytest.mark.parametrize("name", RECEIPTS)
def test_the_reference_judges_receipts_alike(reference, name):
    text = (top / "tests" / "vectors" / "receipts" / name).read_text()
    assert reference.check(text) == RECEIPTS[name]
