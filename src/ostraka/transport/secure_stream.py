"""Secure link without its carrier: takes and gives bytes, and keeps the state they lead to.

Each side shows its certificate in the clear (see `preamble`). The other side compares its
fingerprint with the pin it expects, then shakes hands by TLS 1.3 in a context that trusts that
certificate, which proves that the peer has its key. The certificate that TLS saw must be the one
shown, byte for byte.

Bytes from the peer either move the state along its table (see `secure_state`), or end it with an
error that is kept in `error` and never raised. A call that *we* make in the wrong state raises
`InternalError` and changes nothing. There is no socket, no clock and no task in this module.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from ostraka.errors import InternalError, OstrakaError, PeerLost, PeerViolation
from ostraka.identity import check_certificate, fingerprint
from ostraka.transport.preamble import Admit, Preamble, announce
from ostraka.transport.records import CIPHERTEXT, Inbox, Outbox, Plaintext, Rest
from ostraka.transport.secure_state import Event, State, after
from ostraka.wire.frames import Buffer, Parser

MakeContext = Callable[[bytes], ssl.SSLContext]
"""Returns a context that holds our key and trusts the certificate of a peer, in DER form."""

OPEN: Final = State.OPEN
CLOSING: Final = State.CLOSING
DRAINING: Final = State.DRAINING
ENDED: Final = State.ENDED
"""Names of their own, as looking up an enumeration's member costs 0.2 us on the hot path."""

OVER: Final = frozenset({State.CLOSING, State.DRAINING, State.ENDED})
"""States in which nothing can be sent any more."""


class SecureStream:
    """TLS 1.3 session with one peer, in memory.

    Args:
        certificate: ours, in DER form.
        make_context: makes the TLS context for a peer that was admitted.
        server: whether we are the TLS server of the two.
        admit: names the peer by the fingerprint it shows, or refuses it.

    Attributes:
        state: changed by `receive`, `follow`, `lose`, `say_goodbye` and `fail` only.
        ended: whether nothing can be sent, received or read any more.
        error: why it ended; while draining, why it will.
        peer_certificate: what the peer showed and was admitted for; not proven before `OPEN`.
        consumed: bytes received that no longer occupy memory here.
        lost: whether the carrier is gone.
        left: whether the peer has said TLS's goodbye; what it said before may not be read yet.
    """

    _tls: ssl.SSLObject  # exists from the state `HANDSHAKE` on
    _source: Plaintext

    def __init__(
        self, certificate: bytes, make_context: MakeContext, *, server: bool, admit: Admit
    ) -> None:
        self.state = State.PREAMBLE
        self.ended = False
        self.error: OstrakaError | None = None
        self.peer_certificate = b""
        self.consumed = 0
        self.lost = self.left = False
        self.inbox = Inbox()
        self.outbox = Outbox()
        self._make_context = make_context
        self._server = server
        self._admit = admit
        self._preamble = Preamble()
        self.outbox.bio.write(announce(certificate))

    def _move(self, event: Event) -> None:
        self.state = after(self.state, event)
        self.ended = self.state is ENDED

    # Bytes

    def receive(self, data: Buffer) -> None:
        """Take bytes from the carrier, and act on them: shake hands, or decrypt for the parser.

        Raises:
            InternalError: the carrier was lost before; nothing can arrive from it.
        """
        if self.state is OPEN:  # nearly always: first
            self.inbox.bio.write(data)
            self.decrypt()
        elif self.state in (State.PREAMBLE, State.HANDSHAKE):
            self._establish(data)
        elif self.state is CLOSING:
            self.consumed += len(data)
        else:
            raise InternalError(f"bytes on a secure link in state {self.state.value!r}")

    def data_to_send(self) -> bytes:
        """Return the next bytes for the carrier, of at most `CIPHERTEXT`; empty: nothing waits."""
        out = self.outbox
        if out.queue and not out.bio.pending:
            out.encrypt(self._tls)
        return out.bio.read(CIPHERTEXT)

    def write(self, pieces: Iterable[Buffer]) -> None:
        """Queue plaintext, in order; the buffers must not change until sent. Ignored once over.

        Raises:
            InternalError: the link is not open yet.
        """
        if self.state is OPEN:
            self.outbox.queue.extend(map(memoryview, pieces))
        elif self.state not in OVER:
            raise InternalError(f"a message on a secure link in state {self.state.value!r}")

    # Reading

    def follow(self, parser: Parser[Any]) -> None:
        """Feed `parser` with what was received and what will be; see `inbox.finished`.

        Raises:
            InternalError: the link is not open.
        """
        if self.state is not OPEN and self.state is not DRAINING:
            raise InternalError(f"a reader on a secure link in state {self.state.value!r}")
        self.inbox.follow(parser)
        self.decrypt()

    def decrypt(self) -> None:
        """Decrypt what has arrived, as far as the reader wants it."""
        inbox = self.inbox
        before = inbox.bio.pending
        try:
            inbox.decrypt(self._source)
        except OstrakaError as error:
            if self.state is OPEN:  # the peer need not wait for us
                self._unwrap()
            self._fail_once(error)
        self.consumed += before - inbox.bio.pending
        self.left = self.left or inbox.closed
        if inbox.closed or (inbox.reading and self.state is DRAINING):
            self._fail_once(self.error or PeerLost("it closed the link"))

    # Opening

    def _establish(self, data: Buffer) -> None:
        """Let an error of the program that answers, or a bug in reading it, end the link."""
        try:
            self._advance(data)
        except PeerViolation as error:  # nothing proves that the peer sent this
            self._fail_once(PeerLost(error.message, hint=error.hint))
        except OstrakaError as error:
            self._fail_once(error)
        except Exception as bug:
            self._fail_once(InternalError(f"on the link to {self.inbox.peer}: {bug!r}"))

    def _advance(self, data: Buffer) -> None:
        if self.state is State.PREAMBLE:
            whole = self._preamble.feed(data)
            if whole is None:
                return
            certificate, data = whole
            self._certify(certificate)
        self.inbox.bio.write(data)
        self._shake_hands()

    def _certify(self, certificate: bytes) -> None:
        self.consumed += len(announce(certificate))
        peer = self._admit(fingerprint(certificate))
        check_certificate(certificate)
        self.inbox.peer, self.peer_certificate = peer, certificate
        context = self._make_context(certificate)
        self._tls = context.wrap_bio(self.inbox.bio, self.outbox.bio, server_side=self._server)
        self._source = self._tls
        self._move(Event.CERTIFIED)

    def _shake_hands(self) -> None:
        tls, bio = self._tls, self.inbox.bio
        before = bio.pending
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise PeerViolation(
                f"the TLS handshake failed ({error.reason or 'no reason given'})",
                hint="only TLS 1.3 with the certificate the manifest pins is accepted",
            ) from None
        finally:
            self.consumed += before - bio.pending
        if tls.getpeercert(binary_form=True) != self.peer_certificate or tls.version() != "TLSv1.3":
            raise PeerViolation("its TLS certificate is not the one its preamble named")
        self._move(Event.SECURED)

    # Ending

    def lose(self, error: OstrakaError) -> None:
        """Note that the carrier is gone. Bytes that it brought can still be read by `follow`.

        Raises:
            InternalError: it was lost before.
        """
        self._move(Event.LOST)
        self.error = error
        self.lost = True
        self.outbox.drop_all()
        if self.state is DRAINING:
            rest = self._source = Rest(self.inbox.bio, self._tls)
            self.left = rest.closed
            if self.inbox.reading or not rest.pending():
                self.fail(error)
        elif self.ended:
            self.inbox.stop()

    def say_goodbye(self) -> None:
        """Put TLS's goodbye behind what is encrypted already; queued plaintext is dropped.

        Raises:
            InternalError: the link is not open.
        """
        self._move(Event.GOODBYE)
        self.outbox.drop_queue()
        self.inbox.stop()
        self._unwrap()

    def _unwrap(self) -> None:
        with suppress(ssl.SSLError, OSError, ValueError):
            self._tls.unwrap()

    def fail(self, error: OstrakaError) -> None:
        """End the link because of `error`; the alert that tells the peer may be left to send.

        Raises:
            InternalError: it has ended before.
        """
        self._move(Event.FAIL)
        self.error = error
        self.outbox.drop_queue()
        self.inbox.stop()

    def _fail_once(self, error: OstrakaError) -> None:
        if not self.ended:  # a parser may have ended the link itself
            self.fail(error)
