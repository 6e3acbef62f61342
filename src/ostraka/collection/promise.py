r"""Promise of a mailbox: that it has a report, at a position and minute, signed.

signature of: "ostraka promise\0" | manifest digest (32) | u64 position | u64 minute |
              report digest (32)
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Self

from ostraka.errors import PeerViolation
from ostraka.identity import Identity, check_certificate, verify

_LARGEST = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Promise:
    """Promise of a mailbox that it has taken a report.

    Attributes:
        position: of the report in the mailbox, from 1; a report that is sent again keeps it.
        minute: minutes since 1970 when it came.
        digest: the report's, 32 bytes.
        certificate: of the mailbox's identity, in DER form; `signature` under it.
    """

    position: int
    minute: int
    digest: bytes
    certificate: bytes
    signature: bytes

    @classmethod
    def make(
        cls, manifest: bytes, position: int, minute: int, digest: bytes, own: Identity
    ) -> Self:
        """Sign a promise about a report to the collection with this manifest's digest."""
        signature = own.sign(_signed(manifest, position, minute, digest))
        return cls(position, minute, digest, own.certificate, signature)

    def check(self, manifest: bytes, digest: bytes) -> None:
        """Check that this promises that report; PeerViolation if it does not."""
        if self.digest != digest:
            raise PeerViolation("the mailbox promised another report than the one it was sent")
        check_certificate(self.certificate)
        said = _signed(manifest, self.position, self.minute, digest)
        verify(self.certificate, self.signature, said)

    def table(self) -> dict[str, Any]:
        """Return the promise as it is written in JSON."""
        return {
            "position": self.position,
            "minute": self.minute,
            "report": self.digest.hex(),
            "certificate": base64.b64encode(self.certificate).decode(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def of_table(cls, table: Any) -> Self:
        """Read a promise; PeerViolation if it is none."""
        try:
            position, minute, digest, certificate, signature = (
                table[key] for key in ("position", "minute", "report", "certificate", "signature")
            )
            if any(type(n) is not int or not 0 <= n <= _LARGEST for n in (position, minute)):
                raise ValueError
            octets = base64.b64decode(certificate, validate=True)
            return cls(position, minute, bytes.fromhex(digest), octets, bytes.fromhex(signature))
        except (KeyError, TypeError, ValueError):
            raise PeerViolation("the mailbox's answer is no promise") from None


def _signed(manifest: bytes, position: int, minute: int, digest: bytes) -> bytes:
    numbers = position.to_bytes(8, "little") + minute.to_bytes(8, "little")
    return b"ostraka promise\0" + manifest + numbers + digest
