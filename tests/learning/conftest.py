"""Studies for tests: TOML with three compute parties and some devices."""

import pytest


def toml(devices=10, *, study="", session="", roles='["contributor"]', policy="", more=""):
    compute = "".join(
        f'[[party]]\nname = "c{i}"\nkey = "sha256:{i:064x}"\nroles = ["compute", "recipient"]\n'
        for i in (1, 2, 3)
    )
    contribute = "".join(
        f'[[party]]\nname = "device-{i}"\nkey = "sha256:{i + 10:064x}"\nroles = {roles}\n'
        for i in range(devices)
    )
    noise = study or "epsilon = 8\ndelta = 1e-5\n"
    return (
        '[session]\ntitle = "Digits"\ndeadline = "5m"\n'
        f'coordinator = {{ address = "relay.example:9440", key = "sha256:{10**6:064x}" }}\n'
        f"{session}{compute}{contribute}{policy}"
        "[study]\nrounds = 4\nlayers = { weights = [3, 2] }\nclip = 0.5\n"
        f"{noise}{more}"
    )


@pytest.fixture
def study_toml():
    return toml
