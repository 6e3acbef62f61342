"""`report`: a page from a result and its receipt; nothing is taken that does not fit together."""

import json

import pytest

from ostraka.record import results


@pytest.fixture
async def ended(office, tmp_path):
    """The result of alice, as JSON, with its receipt; and its manifest's digest."""
    manifest = office.manifest(title="Average <raise>")
    found = await office.run(manifest, {"alice": 1, "bob": 2, "carlos": 4}, receipts=tmp_path)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(found["alice"]))
    return path


async def test_a_page_says_the_question_the_answer_the_rules_and_the_proof(ended, cli):
    done = cli("report", ended)
    assert done.code == 0, done.err
    for text in (
        "Average &lt;raise&gt;", "secure-sum: sum", "alice, bob and carlos learn the sum",
        "<td>7</td>", "int from -1000000 to 1000000", "additive, threshold 2",
        "min_contributors = 3", "receipt sha256", "alice, bob, carlos", "Dropouts:",
    ):  # fmt: skip
        assert text in done.out, text
    assert "<script" not in done.out
    assert done.err == ""


async def test_a_kept_result_is_reported_by_its_session(ended, cli, home):
    from ostraka.home import results_directory

    result = json.loads(ended.read_text())
    where = results_directory()
    where.mkdir(parents=True, exist_ok=True)
    kept = results.keep(where, "alice", "2026-11-28T10:00:00+00:00", "Average", result)
    try:
        done = cli("report", result["session"][:12])
        assert "The result of alice, known since 2026-11-28T10:00:00+00:00" in done.out
        assert cli("report", kept).out == done.out
    finally:
        kept.unlink()


async def test_without_a_receipt_the_page_has_the_figures_and_says_so(ended, cli):
    result = json.loads(ended.read_text())
    del result["receipt"]
    ended.write_text(json.dumps(result))
    done = cli("report", ended)
    assert done.code == 0
    assert "<td>7</td>" in done.out
    assert "Who learns what" not in done.out
    assert "warning: no receipt is here" in done.err


async def test_another_sessions_receipt_is_refused(ended, cli):
    result = json.loads(ended.read_text())
    ended.write_text(json.dumps(result | {"session": "00" * 32}))
    done = cli("report", ended)
    assert done.code == 2
    assert "receipt of another session" in done.err


async def test_a_result_of_another_manifest_is_refused(ended, cli, session):
    result = json.loads(ended.read_text())
    done = cli("report", ended, "--session", session)
    assert (done.code, done.out) == (2, "")
    assert "digests differ" in done.err
    ended.write_text(json.dumps(result | {"manifest_sha256": "00" * 32}))
    assert cli("report", ended).code == 2


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"status": "released"}', '{"result": 3}',
     '{"status": "released", "protocol": "p", "manifest_sha256": "ab", "outputs": [{"name": 3}]}',
     '{"status": "released", "protocol": "p", "manifest_sha256": "ab", "outputs": [3]}'],
)  # fmt: skip
def test_what_is_no_result_is_refused(cli, tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    done = cli("report", path)
    assert (done.code, done.out) == (2, "")
    assert "not a result" in done.err
