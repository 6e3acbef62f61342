"""Who speaks on a channel: parties of one process are told apart."""

import weakref

import pytest

from ostraka.session.keeper import Keeper

owners = weakref.WeakKeyDictionary()


@pytest.fixture(autouse=True)
def _owned_links(monkeypatch):
    adopt = Keeper.adopt

    def owned(self, channel, nonce, **how):
        owners[channel.link] = self._contexts.identity.name
        return adopt(self, channel, nonce, **how)

    monkeypatch.setattr(Keeper, "adopt", owned)


def _speaker(channel):
    """The name of the party whose end of a link this is."""
    contexts = getattr(channel.link, "_contexts", None)
    return contexts.identity.name if contexts else owners[channel.link]


@pytest.fixture(name="speaker")
def _speaker_fixture():
    return _speaker
