"""Explanation of a manifest: who learns what, what it costs, what noise does to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from ostraka import config
from ostraka.delivery.cost import Cost
from ostraka.gist import Gist
from ostraka.manifest import Manifest
from ostraka.protocols import advice, collected, rounds
from ostraka.protocols.advice import Advice
from ostraka.protocols.protocol import Protocol

REHEARSAL: Final = (
    "This is a rehearsal: each contributor's program makes its input up, so the result means "
    "nothing, and no ledger is charged."
)


@dataclass(frozen=True)
class Explanation:
    """Explanation of a manifest, as `ostraka check` prints it.

    Attributes:
        manifest: the manifest.
        sentences: say who learns what, and against whom it is safe.
        cost: rounds, and the messages and bytes that each party sends.
        gist: the sentences and the cost in three lines.
        advice: the answer's error for several epsilons; None where the protocol takes no noise.
        noise: sentences that say `advice` in words.
    """

    manifest: Manifest
    sentences: tuple[str, ...]
    cost: Cost
    gist: Gist
    advice: Advice | None = None
    noise: tuple[str, ...] = ()

    @classmethod
    def of(cls, protocol: Protocol) -> Explanation:
        """Return the explanation of a protocol under its manifest."""
        advised = advice.advise(protocol)
        noise = advice.in_words(protocol, advised) if advised else []
        rehearsal = (REHEARSAL,) * protocol.manifest.session.rehearsal
        about = (*collected.explain(protocol), *rounds.explain(protocol))
        sentences = (*rehearsal, *protocol.explain(), *about, *advice.weak(protocol))
        cost = protocol.cost()
        gist = Gist.of(protocol, sentences, cost)
        return cls(protocol.manifest, sentences, cost, gist, advised, tuple(noise))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that `ostraka check --output json` prints."""
        manifest, cost = self.manifest, self.cost
        return {
            "manifest_sha256": manifest.digest.hex(),
            "title": manifest.session.title,
            "protocol": manifest.session.protocol,
            "contributors": manifest.contributors,
            "compute": manifest.compute,
            "recipients": manifest.recipients,
            "explain": list(self.sentences),
            "cost": {
                "rounds": cost.rounds,
                "sent": {
                    p: {"messages": s.messages, "bytes": s.bytes} for p, s in cost.sent.items()
                },
            },
        } | ({"noise": _noise(self.advice)} if self.advice else {})

    def _repr_html_(self) -> str:
        """Return the sentences as lists, for notebooks; all texts are escaped."""
        rounds = f"It takes {self.cost.rounds} round{'s' * (self.cost.rounds != 1)}."
        parts = [_list(self.sentences), _list(self.noise), f"<p>{escape(rounds)}</p>"]
        digest = f"<p><code>sha256 {self.manifest.digest.hex()}</code></p>"
        return f"<h4>{escape(self.manifest.session.title)}</h4>{''.join(parts)}{digest}"


def check(manifest: Manifest | Path | str) -> Explanation:
    """Explain a manifest: who learns what, against whom it is safe, its cost, the effect of noise.

    Args:
        manifest: the session's manifest, a path to it, or its TOML.

    Raises:
        ManifestError: the manifest is not valid; the message points at the line.
    """
    return Explanation.of(config.bind(manifest))


def _noise(advised: Advice) -> dict[str, Any]:
    """Return `error95` against epsilon for JSON; a kind of noise that is not possible is absent."""
    rows = [
        {"epsilon": str(row.epsilon)}
        | {p: e for p, e in (("local", row.local), ("central", row.central)) if e is not None}
        for row in advised.rows
    ]
    return {"figure": advised.figure, "change": advised.reach.change, "error95": rows}


def _list(sentences: tuple[str, ...]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
