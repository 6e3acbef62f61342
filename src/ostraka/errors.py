"""The one exception tree.

    OstrakaError
      UsageError            2   we were called wrongly; ManifestError is one
        ManifestError       2   the manifest does not say something valid
      Unreachable          10   the network: nobody answered
      PinMismatch          11   somebody answered with another key than the manifest's
      InvitationExpired    12   the session's invitation is over or used
      InputError           20   this party's own input; nothing was sent
      Disagreement         30   parties hold different manifests or rosters
      RefusedByPolicy      31   a policy says no
      RefusedByLedger      32   this party's own ledger or budget says no
      Aborted              40   the session ended before anything was revealed
        PeerLost           40   ... because a named party went missing
      TimedOut             41   a deadline passed
      PeerViolation        50   a named peer broke the protocol
        Tampered           50   ... or something between us altered what it sent
      InternalError        70   our bug
      Temporary            75   try again

Every error says what happened, whose fault it is, what to do next, and whether any of this
party's data has left the machine. Peers are told `code`, never the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from ostraka.names import PartyId


class Fault(StrEnum):
    """Who is to blame."""

    US = "us"
    PEER = "peer"
    NETWORK = "network"
    INPUT = "input"
    POLICY = "policy"


class OstrakaError(Exception):
    """Base of everything this package raises on purpose.

    Args:
        message: what happened, in one sentence.
        hint: what to do next.
        peer: the party at fault, when it is known.
        data_left: True when something derived from this party's input had been sent (always in
            shared form), False when nothing had, None when the raiser cannot know.
    """

    exit_code: ClassVar[int] = 70
    fault: ClassVar[Fault] = Fault.US
    code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        peer: PartyId | None = None,
        data_left: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.peer = peer
        self.data_left = data_left


class UsageError(OstrakaError):
    """The program was called wrongly."""

    exit_code, code = 2, "usage"


class ManifestError(UsageError):
    """The manifest does not say something valid; the message points at the line."""

    code = "manifest"


class Unreachable(OstrakaError):
    """Nobody answered at an address."""

    exit_code, fault, code = 10, Fault.NETWORK, "unreachable"


class PinMismatch(OstrakaError):
    """Somebody answered with another key than the manifest names."""

    exit_code, fault, code = 11, Fault.PEER, "pin-mismatch"


class InvitationExpired(OstrakaError):
    """The session's invitation is over, or used."""

    exit_code, fault, code = 12, Fault.POLICY, "expired"


class InputError(OstrakaError):
    """This party's own input is not what the manifest asks for. Raised before anything is sent."""

    exit_code, fault, code = 20, Fault.INPUT, "input"


class Disagreement(OstrakaError):
    """Parties hold different manifests, rosters or session ids. Never retried."""

    exit_code, fault, code = 30, Fault.PEER, "disagreement"


class RefusedByPolicy(OstrakaError):
    """A policy of the manifest or of this party says no."""

    exit_code, fault, code = 31, Fault.POLICY, "policy"


class RefusedByLedger(OstrakaError):
    """This party's own ledger or budget says no."""

    exit_code, fault, code = 32, Fault.POLICY, "ledger"


class Aborted(OstrakaError):
    """The session ended before anything was revealed."""

    exit_code, fault, code = 40, Fault.NETWORK, "aborted"


class PeerLost(Aborted):
    """A named party's link is gone, or silent for longer than the manifest allows."""

    code = "peer-lost"


class TimedOut(OstrakaError):
    """A deadline passed."""

    exit_code, fault, code = 41, Fault.NETWORK, "timed-out"


class PeerViolation(OstrakaError):
    """A named peer broke the protocol."""

    exit_code, fault, code = 50, Fault.PEER, "violation"


class Tampered(PeerViolation):
    """A link carried bytes that its peer did not send: TLS says so, not who did it."""

    fault, code = Fault.NETWORK, "tampered"


class InternalError(OstrakaError):
    """Our bug."""

    exit_code, fault, code = 70, Fault.US, "internal"


class Temporary(OstrakaError):
    """Something outside is busy; trying again later may work."""

    exit_code, fault, code = 75, Fault.NETWORK, "temporary"
