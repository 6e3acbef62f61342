"""Test only: `ostraka ARGS...` of a voter whose ballot is none.

python forger_entry.py ARGS...
"""

import numpy as np

from ostraka.cli.main import main
from ostraka.protocols.forms.ballots import Vote

encode = Vote.encode


def forged(protocol, me, raw):
    return protocol.scheme.from_signed(np.full(len(encode(protocol, me, raw)), -5, np.int64))


Vote.encode = forged
main()
