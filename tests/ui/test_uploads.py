"""Files that were chosen on the page: their preview, their place, their end."""

import stat

import pytest

from ostraka import config
from ostraka.errors import InputError, UsageError
from ostraka.ui import uploads
from ostraka.ui.uploads import Uploads, selection_of

CELLS = 'type = "decimal(2)"\nlength = 2\nmin = 0\nmax = 1000000\nunit = "USD"'
SHEET = "Name,Dept,Salary\nann,HR,1000.50\nbert,IT,2000\ncleo,IT,\ndora,HR,500\n"


async def parts(content, size=7):
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.fixture
def its(tmp_path):
    found = Uploads(tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("pay.csv", "pay.csv"), ("../../etc/pay.csv", ".._.._etc_pay.csv"), ("", "input"),
        ("..", "input"), ("a\x00b\n.xlsx", "a_b_.xlsx"), ("x" * 300 + ".csv", "x" * 96 + ".csv"),
    ],
)  # fmt: skip
async def test_a_file_is_alone_in_a_private_place(its, name, kept):
    path = await its.take("ab" * 32, name, parts(b"1\n2\n"))
    assert (path.name, path.read_bytes()) == (kept, b"1\n2\n")
    for directory in (path.parent, path.parent.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert its.find("ab" * 32) == path
    assert its.without_place(f"{path}: row 2 of {path}") == f"{kept}: row 2 of {kept}"


async def test_another_file_takes_its_place_and_closing_leaves_nothing(its):
    first = await its.take("ab" * 32, "a.csv", parts(b"1"))
    second = await its.take("ab" * 32, "b.csv", parts(b"2"))
    assert (first.exists(), its.find("ab" * 32)) == (False, second)
    with pytest.raises(InputError, match="choose a file"):
        its.find("cd" * 32)
    its.close()
    assert not second.parent.parent.exists()


async def test_no_name_of_a_session_leads_out_of_its_place(tmp_path):
    """All within the test's own directory, so that a mistake harms nothing else."""
    (tmp_path / "page").mkdir()
    its, beside = Uploads(tmp_path / "page"), tmp_path / "page" / "beside"
    beside.mkdir()
    path = await its.take("ab" * 32, "a.csv", parts(b"1"))
    for digest in ("..", ".", "", str(beside)[:32], "*"):
        with pytest.raises(InputError):
            its.find(digest)
    assert its._place("..").parent == its._place(str(beside)).parent == its._top
    its.drop("..")
    assert beside.is_dir()
    assert path.exists()
    its.close()


async def test_a_file_that_is_too_large_is_refused(its, monkeypatch):
    monkeypatch.setattr(uploads.limits, "TABLE_BYTES", 10)
    with pytest.raises(InputError, match=r"a\.csv is larger than 10 bytes"):
        await its.take("ab" * 32, "a.csv", parts(b"x" * 11))


@pytest.mark.parametrize(
    "given",
    [
        {"values": "Salary"},
        {"values": [1]},
        {"where": 5},
        {"groups": [["a"]]},
        {"decimal": ["x"]},
        "x",
        [1],
    ],
)
def test_a_selection_of_another_form_is_refused(given):
    with pytest.raises(UsageError):
        selection_of(given)


async def test_a_table_is_shown_before_it_waits(page, written):
    digest = config.load(written(CELLS, 'rows = ["HR", "IT"]', protocol="table")).digest.hex()
    path = f"sessions/{digest}/input"
    async with page() as client:
        found = await client.upload(digest, "pay.csv", SHEET.encode())
        assert found == {"file": "pay.csv", "columns": ["Name", "Dept", "Salary"]}
        selection = {"values": ["Salary"], "groups": ["Dept"]}
        wrong = await client.ask(path, {"selection": selection})
        assert wrong["error"]["exit"] == 20
        assert "--skip-empty" in wrong["error"]["hint"]
        assert any("row 4" in line and "Salary" in line for line in wrong["lines"])
        assert (await client.ask(f"sessions/{digest}"))["given"] is None
        right = await client.ask(path, {"selection": selection | {"skip_empty": True}})
        assert [line.split() for line in right["lines"][-2:]] == [
            ["HR", "2", "rows,", "1,500.5", "USD"], ["IT", "1", "row,", "2,000", "USD"],
        ]  # fmt: skip
        assert "ostraka-ui" not in str(right)
        assert (await client.ask(f"sessions/{digest}"))["given"] == right["lines"]
        await client.ask(f"sessions/{digest}/forget", {})
        refused = await client.ask(path, {"selection": selection}, status=422)
        assert refused["error"] == "choose a file"


async def test_a_file_that_is_no_table_and_a_template(page, written):
    digest = config.load(written('type = "int"\nlength = 2\nmin = 0\nmax = 9')).digest.hex()
    path = f"sessions/{digest}/input"
    async with page() as client:
        assert (await client.upload(digest, "in.json", b"[1, 2]"))["columns"] == []
        assert (await client.ask(path, {"selection": {}}))["lines"] == [
            "in.json is int from 0 to 9, 2 values"
        ]
        await client.upload(digest, "in.txt", b"1\n99\n")
        refused = await client.ask(path, {"selection": {}}, status=422)
        assert refused["exit"] == 20
        assert "ostraka-ui" not in str(refused)
        csv = (await client.ask(f"sessions/{digest}/template"))["csv"]
        filled = csv.replace("1,", "1,7", 1).replace("2,", "2,8", 1)
        await client.upload(digest, "filled.csv", filled.encode())
        assert "7, 8" in (await client.ask(path, {"selection": {}}))["lines"][-1]
