"""What `check` says, as an object."""

import json

from ostraka.explanation import check
from ostraka.manifest import parse


def agreement(title="Test", protocol="secure-sum", kind='type = "int"\nmin = 0\nmax = 1000'):
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, name in enumerate(("alice", "bob", "carlos"))
    )
    return parse(
        f'[session]\ntitle = "{title}"\nprotocol = "{protocol}"\ndeadline = "1m"\n'
        f'{parties}[input]\n{kind}\n[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    )


def test_sentences_cost_and_advice():
    found = check(agreement())
    assert any("alice, bob and carlos learn the sum" in sentence for sentence in found.sentences)
    assert found.cost.sent["alice"].messages > 0
    assert [str(row.epsilon) for row in found.advice.rows] == ["0.1", "0.5", "1", "2", "4"]
    assert any("noise" in sentence for sentence in found.noise)


def test_an_answer_that_takes_no_noise():
    found = check(agreement(protocol="auction"))
    assert found.advice is None
    assert found.noise == ()
    assert "noise" not in found.as_dict()


def test_as_dict_is_json():
    manifest = agreement()
    found = json.loads(json.dumps(check(manifest).as_dict()))
    assert found["manifest_sha256"] == manifest.digest.hex()
    assert set(found["cost"]["sent"]) == {"alice", "bob", "carlos"}
    assert found["noise"]["figure"] == "sum"


def test_its_html_escapes_every_text():
    html = check(agreement(title="<b>us</b>"))._repr_html_()
    assert "&lt;b&gt;us&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("<li>") > 5
