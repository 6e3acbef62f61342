"""The exceptions of this package, all below `OstrakaError`.

    OstrakaError
      UsageError            2   the program was called wrongly
        ManifestError       2   the manifest does not say something valid
      Unreachable          10   the network: no answer from an address
      PinMismatch          11   the answer came under another key than the manifest's
      InvitationExpired    12   the session's invitation is over or used
      UnconfirmedKey       13   a party's key is not known, or is not the one that was known
      InputError           20   this party's own input; nothing was sent
      Disagreement         30   parties hold different manifests or rosters
      RefusedByPolicy      31   a policy of the manifest forbids it
      RefusedByLedger      32   this party's own ledger or budget forbids it
      Aborted              40   the session ended before anything was revealed
        PeerLost           40   a named party went missing
          PeerAway         41   it was cut off, and did not return in time
      TimedOut             41   a deadline passed
      PeerViolation        50   a named peer broke the protocol
        Tampered           50   bytes were altered on the way from a peer
      IncompleteReceipt    51   what a receipt says holds, and closing statements are missing
      InternalError        70   a bug of this package
      Temporary            75   trying again may work

Every error says what happened, whose fault it is, what to do next, and whether any of this
party's data has left the machine. Peers are told `code`, never the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from ostraka.names import PartyId


class Fault(StrEnum):
    """Causes of an error: the one to blame."""

    US = "us"
    PEER = "peer"
    NETWORK = "network"
    INPUT = "input"
    POLICY = "policy"


class OstrakaError(Exception):
    """Base of all exceptions that this package raises on purpose.

    Args:
        message: what happened, in one sentence.
        hint: what to do next.
        peer: the party at fault, when it is known.
        data_left: whether data derived from this party's input had been sent, always in shared
            form; None when the code that raises cannot know.
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
        self.message: str = message
        self.hint: str = hint
        self.peer: PartyId | None = peer
        self.data_left: bool | None = data_left


class UsageError(OstrakaError):
    """A call of the program, or of a function, that asks for something impossible."""

    exit_code, code = 2, "usage"


class ManifestError(UsageError):
    """A manifest that is not valid; the message points at the line."""

    code: ClassVar[str] = "manifest"


class Unreachable(OstrakaError):
    """An address that does not answer."""

    exit_code, fault, code = 10, Fault.NETWORK, "unreachable"


class PinMismatch(OstrakaError):
    """A peer with another key than the one the manifest pins."""

    exit_code, fault, code = 11, Fault.PEER, "pin-mismatch"


class InvitationExpired(OstrakaError):
    """An invitation to a session that has expired or been used."""

    exit_code, fault, code = 12, Fault.POLICY, "expired"


class UnconfirmedKey(OstrakaError):
    """A party's key that is not known here and not confirmed, or is not the one that was known."""

    exit_code, fault, code = 13, Fault.POLICY, "unconfirmed-key"


class InputError(OstrakaError):
    """An input of this party that the manifest does not allow. Raised before anything is sent."""

    exit_code, fault, code = 20, Fault.INPUT, "input"


class Disagreement(OstrakaError):
    """Different manifests, rosters or session ids at different parties. Never retried."""

    exit_code, fault, code = 30, Fault.PEER, "disagreement"


class RefusedByPolicy(OstrakaError):
    """A refusal by a policy of the manifest or of this party."""

    exit_code, fault, code = 31, Fault.POLICY, "policy"


class RefusedByLedger(OstrakaError):
    """A refusal by this party's own ledger or budget."""

    exit_code, fault, code = 32, Fault.POLICY, "ledger"


class Aborted(OstrakaError):
    """The end of a session before anything was revealed."""

    exit_code, fault, code = 40, Fault.NETWORK, "aborted"


class PeerLost(Aborted):
    """A named party whose link is gone, or silent for longer than the manifest allows."""

    code: ClassVar[str] = "peer-lost"


class PeerAway(PeerLost):
    """A named party that was cut off without a goodbye, and did not return within the manifest's
    `timeout`."""

    exit_code, code = 41, "timed-out"


class TimedOut(OstrakaError):
    """A deadline that passed."""

    exit_code, fault, code = 41, Fault.NETWORK, "timed-out"


class PeerViolation(OstrakaError):
    """A breach of the protocol by a named peer."""

    exit_code, fault, code = 50, Fault.PEER, "violation"


class Tampered(PeerViolation):
    """Bytes on a link that its peer did not send: TLS tells that they are altered, not by whom."""

    fault, code = Fault.NETWORK, "tampered"


class IncompleteReceipt(OstrakaError):
    """A receipt that holds, and lacks closing statements: of parties that left, or dissented."""

    exit_code, fault, code = 51, Fault.PEER, "incomplete"


class InternalError(OstrakaError):
    """A bug of this package."""

    exit_code, fault, code = 70, Fault.US, "internal"


class Temporary(OstrakaError):
    """A resource outside that is busy; trying again later may work."""

    exit_code, fault, code = 75, Fault.NETWORK, "temporary"
