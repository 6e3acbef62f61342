"""Makes the receipts of this directory, of both formats, from the text of decision 0017 alone.

    python tests/vectors/receipts/make.py DIRECTORY

Nothing of ostraka is used: standard library and `cryptography`. Keys follow from names, so the
files are the same each time. Names of files that begin with `bad_` are of receipts that do not
hold. `expected.json` has the exit code of each; `figures.json` has the secrets behind the
commitments.
"""

import base64
import copy
import datetime
import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

PARTIES = ("alice", "bob", "carlos", "david")
ALL, ONE = (0, 1, 2), (2,)
LEARNED = {"alice": (ALL,), "bob": (ALL,), "carlos": (ALL, ONE)}
FIGURES = {ALL: {"price": 403}, ONE: {"winner": 3}}
DAY = datetime.datetime(2026, 1, 1)


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def text(data):
    return base64.b64encode(data).decode()


def key(name):
    return Ed25519PrivateKey.from_private_bytes(sha256(b"vector key " + name.encode()))


def certificate(name):
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key(name).public_key()).serial_number(1 + PARTIES.index(name))
    builder = builder.not_valid_before(DAY).not_valid_after(DAY.replace(year=2036))
    return builder.sign(key(name), None).public_bytes(Encoding.DER)


def manifest(start=None, least=3):
    roles = {name: ["contributor", "compute", "recipient"] for name in PARTIES[:3]}
    roles["david"] = ["contributor"]
    party = [
        {"key": "sha256:" + sha256(certificate(name)).hex(), "name": name, "roles": roles[name]}
        for name in PARTIES
    ]
    reveal = {"alice": ["price"], "bob": ["price"], "carlos": ["winner", "price"]}
    tables = {"outputs": {"reveal": reveal}, "party": party, "session": {"title": "Sale"}}
    if start:
        tables["session"]["start"] = start
        tables |= {"input": {"type": "int"}, "policy": {"min_contributors": least}}
    return canonical(tables)


class Run:
    """One session: nonces, session id, and what each party signs at its end."""

    def __init__(self, form, absent=(), **of_manifest):
        self.form, self.version, self.manifest = form, form + 1, manifest(**of_manifest)
        self.there = [name for name in PARTIES if name not in absent]
        self.absent = absent
        self.digest = sha256(self.manifest.encode())
        self.shown = {
            name: [sha256(f"vector nonce {name} {i}".encode()) for i in range(len(groups))]
            for name, groups in LEARNED.items()
        }
        self.nonces = {name: sha256(f"vector hello {name}".encode()) for name in PARTIES}
        if form == 2:
            for name, nonces in self.shown.items():
                hashes = b"".join(sha256(b"ostraka nonce hash\0" + nonce) for nonce in nonces)
                self.nonces[name] = sha256(b"ostraka hello nonce\0" + hashes)
        together = b"".join(self.nonces[name] for name in self.there)
        begun = b"ostraka session\0" + self.digest
        if absent:
            numbers = [len(absent), *map(PARTIES.index, absent)]
            roster = b"".join(n.to_bytes(4, "little") for n in numbers)
            begun = b"ostraka roster\0" + self.digest + roster
        self.session = sha256(begun + together)

    def group_key(self, group):
        names = [PARTIES[place] for place in group]
        nonces = b"".join(self.shown[name][LEARNED[name].index(group)] for name in names)
        return sha256(b"ostraka readers\0" + self.session + nonces)

    def nonce(self, group, figure):
        return hmac.digest(self.group_key(group), b"ostraka figure\0" + figure.encode(), "sha256")

    def commitment(self, group, figure):
        opened = b"<i8\x001\0" + FIGURES[group][figure].to_bytes(8, "little")
        return hmac.digest(self.nonce(group, figure), opened, "sha256").hex()

    def statement(self, name):
        said = {
            "party": name,
            "session": self.session.hex(),
            "manifest_sha256": self.digest.hex(),
            "sent": sha256(f"vector sent {name}".encode()).hex(),
        }
        if name not in LEARNED:
            return said
        places = [place for place, name in enumerate(PARTIES) if name in self.there]
        said["counted"] = places
        if self.form == 1:
            said["result"] = sha256(f"vector result {len(LEARNED[name])}".encode()).hex()
            return said
        said["consented"] = places
        said["figures"] = [
            {"readers": list(g), "commitments": {f: self.commitment(g, f) for f in FIGURES[g]}}
            for g in LEARNED[name]
        ]
        return said

    def receipt(self):
        parties = {}
        for name in self.there:
            hello = b"ostraka hello\0" + self.version.to_bytes(2, "little") + self.digest
            parties[name] = {
                "certificate": text(certificate(name)),
                "version": self.version,
                "nonce": text(self.nonces[name]),
                "hello": text(key(name).sign(hello + self.nonces[name])),
                "ready": text(key(name).sign(b"ostraka ready\0" + self.session)),
            }
        receipt = {
            "ostraka_receipt": self.form,
            "manifest": self.manifest,
            "manifest_sha256": self.digest.hex(),
            "session": self.session.hex(),
            "written_by": "alice",
            "parties": parties,
        }
        if self.absent:
            receipt["absent"] = list(self.absent)
        for name in self.there:
            sign(receipt, name, canonical(self.statement(name)))
        return receipt


def sign(receipt, name, statement):
    entry = receipt["parties"][name]
    entry["statement"] = statement
    entry["statement_signature"] = text(key(name).sign(statement.encode()))


def without(receipt, *names):
    """The receipt with these parties' statements cut out."""
    other = copy.deepcopy(receipt)
    for name in names:
        del other["parties"][name]["statement"], other["parties"][name]["statement_signature"]
    return other


def saying(run, name, **changes):
    """The receipt in which one party signed something else."""
    other = run.receipt()
    sign(other, name, canonical(run.statement(name) | changes))
    return other


def signed_text(run, name, old, new):
    other, statement = run.receipt(), canonical(run.statement(name))
    assert old in statement
    sign(other, name, statement.replace(old, new))
    return other


def changed(receipt, *path, to):
    other = place = copy.deepcopy(receipt)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return other


def another_bit(encoded):
    data = bytearray(base64.b64decode(encoded))
    data[-1] ^= 1
    return text(bytes(data))


def cases():
    """Yield the name of each file, the exit code of a verifier, and the receipt."""
    one, two = Run(1), Run(2)
    old, new = one.receipt(), two.receipt()
    wrong = "ee" * 32
    lie = saying(two, "bob", figures=[{"readers": [0, 1, 2], "commitments": {"price": wrong}}])
    groups = two.statement("carlos")["figures"]
    yield "complete_1", 0, old
    yield "complete_2", 0, new
    yield "incomplete_1", 51, without(old, "bob")
    yield "incomplete_2", 51, without(new, "david")
    yield "incomplete_stripped_2", 51, without(new, *PARTIES)
    yield "incomplete_dissenter_cut_out_2", 51, without(lie, "bob")
    yield "bad_another_price_2", 50, lie
    yield "bad_another_result_1", 50, saying(one, "bob", result=wrong)
    yield "bad_figure_left_out_2", 50, saying(two, "carlos", figures=groups[1:])
    yield (
        "bad_readers_2",
        50,
        saying(two, "carlos", figures=[groups[0], groups[1] | {"readers": [0, 2]}]),
    )
    yield "bad_group_of_others_2", 50, saying(two, "alice", figures=groups)
    yield "bad_counted_2", 50, saying(two, "bob", counted=[0, 1, 2])
    yield "bad_counted_1", 50, saying(one, "bob", counted=[0, 1, 2])
    yield "bad_consented_2", 50, saying(two, "bob", consented=[0, 1, 2])
    yield "bad_counted_not_rising_2", 50, saying(two, "bob", counted=[1, 0, 2, 3])
    yield "bad_counted_of_another_type_2", 50, saying(two, "bob", counted=[False, True, 2, 3])
    yield "bad_counted_of_another_type_1", 50, saying(one, "bob", counted=[0, 1.0, 2, 3])
    yield "bad_statement_more_2", 50, saying(two, "bob", more=1)
    yield "bad_statement_more_1", 50, saying(one, "bob", more=1)
    yield "bad_statement_of_format_1_2", 50, saying(two, "bob", result=wrong)
    yield (
        "bad_statement_key_twice_2",
        50,
        signed_text(two, "bob", '{"consented"', '{"consented":[0],"consented"'),
    )
    yield "bad_statement_spaces_1", 50, signed_text(one, "bob", ",", ", ")
    yield "bad_statement_signature_2", 50, changed(
        new, "parties", "bob", "statement_signature",
        to=another_bit(new["parties"]["bob"]["statement_signature"]),
    )  # fmt: skip
    yield "bad_nonce_2", 50, changed(new, "parties", "bob", "nonce", to=text(bytes(32)))
    yield (
        "bad_certificate_2",
        50,
        changed(new, "parties", "bob", "certificate", to=new["parties"]["carlos"]["certificate"]),
    )
    yield "bad_party_more_2", 50, changed(new, "parties", "bob", "more", to=1)
    yield "bad_downgraded_2", 50, changed(new, "ostraka_receipt", to=1)
    yield "bad_upgraded_1", 50, changed(old, "ostraka_receipt", to=2)
    yield "bad_version_of_another_type_2", 50, changed(new, "parties", "bob", "version", to=3.0)
    yield "bad_format_true_1", 2, changed(old, "ostraka_receipt", to=True)
    yield "bad_format_text_2", 2, changed(new, "ostraka_receipt", to="2")
    yield "bad_format_3", 2, changed(new, "ostraka_receipt", to=3)
    yield "bad_section_2", 2, new | {"roster": []}
    yield "bad_section_of_consents_2", 2, new | {"consents": []}


def cases_of_absence():
    """Yield what `cases` does, of sessions that began without a party."""
    run = Run(2, ("david",), start="enough")
    receipt = run.receipt()
    whole = Run(2, start="enough").receipt()
    yield "absent_complete_2", 0, receipt
    yield "absent_nobody_2", 0, whole
    yield "absent_incomplete_2", 51, without(receipt, "bob")
    yield "bad_absent_empty_2", 50, whole | {"absent": []}
    yield "bad_absent_but_signed_2", 50, whole | {"absent": ["david"]}
    yield "bad_absent_unsaid_2", 50, {k: v for k, v in receipt.items() if k != "absent"}
    yield "bad_absent_twice_2", 50, receipt | {"absent": ["david", "david"]}
    yield "bad_absent_stranger_2", 50, receipt | {"absent": ["david", "erin"]}
    yield "bad_absent_needed_2", 50, Run(2, ("bob",), start="enough").receipt()
    yield "bad_absent_too_few_2", 50, Run(2, ("david",), start="enough", least=4).receipt()
    yield "bad_absent_from_all_2", 50, Run(2, ("david",), start="all").receipt()
    yield "bad_absent_counted_2", 50, counting_all(run)
    yield "bad_absent_in_format_1", 2, Run(1, ("david",), start="enough").receipt()


def counting_all(run):
    """The receipt in which all say that the absent party was counted."""
    other = run.receipt()
    for name in run.there:
        sign(other, name, canonical(run.statement(name) | {"counted": [0, 1, 2, 3],
                                                           "consented": [0, 1, 2, 3]}))  # fmt: skip
    return other


def files():
    """Return the content of every file by its name."""
    codes, found = {}, {}
    for name, code, receipt in (*cases(), *cases_of_absence()):
        found[f"{name}.json"] = json.dumps(receipt, indent=1, sort_keys=True) + "\n"
        codes[f"{name}.json"] = code
    for name in ("complete_1.json", "complete_2.json"):
        twice = found[name].replace('"session"', '"manifest": "{}",\n "session"', 1)
        found[f"bad_key_twice_{name[-6]}.json"] = twice
        codes[f"bad_key_twice_{name[-6]}.json"] = 2
    found["expected.json"] = json.dumps(codes, indent=1, sort_keys=True) + "\n"
    found["figures.json"] = json.dumps(secrets(Run(2)), indent=1, sort_keys=True) + "\n"
    return found


def secrets(run):
    """What the readers hold: nonces of each recipient, keys of groups, nonces of figures."""
    return {
        "session": run.session.hex(),
        "recipients": {
            name: {
                "hello_nonce": run.nonces[name].hex(),
                "nonces": {
                    str(list(g)): n.hex() for g, n in zip(groups, run.shown[name], strict=True)
                },
            }
            for name, groups in LEARNED.items()
        },
        "groups": [
            {
                "readers": list(group),
                "key": run.group_key(group).hex(),
                "figures": {
                    name: {
                        "opened": value,
                        "nonce": run.nonce(group, name).hex(),
                        "commitment": run.commitment(group, name),
                    }
                    for name, value in figures.items()
                },
            }
            for group, figures in FIGURES.items()
        ],
    }


if __name__ == "__main__":
    for file, content in files().items():
        Path(sys.argv[1], file).write_text(content)
