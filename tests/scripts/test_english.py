"""The checker of English finds what it is for, and lets good sentences pass."""

from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]


@pytest.fixture
def english(load):
    return load("english")


def rules(english, source):
    return [(f.line, f.rule) for f in english.check_source("x.py", source)]


@pytest.mark.parametrize(
    "docstring",
    [
        "What a party tells.",
        "As manifests write it.",
        "Who is to blame.",
        "Where it goes.",
        "How many there are.",
        "The same, but longer.",
        "Such a thing.",
        "32 bytes that no earlier call returned.",
        "a + b.",
        "The sum of two vectors.",
        "Sum of two vectors.",
        "Shares of a secret.",
        "... and goes on.",
        "Whether it holds.",
    ],
)
def test_a_function_starts_with_a_verb(english, docstring):
    assert rules(english, f'def f() -> int:\n    """{docstring}"""\n') == [(2, "first-word")]


@pytest.mark.parametrize(
    "docstring",
    [
        "Return a + b.",
        "Returns a + b.",
        "Open a link to a peer.",
        "Replies to a peer.",
        "Share a secret among the compute parties.",
        "Fetches a page.",
        "Check, then send.",
    ],
)
def test_verbs_may_be_imperative_or_of_the_third_person(english, docstring):
    assert rules(english, f'async def _f():\n    """{docstring}"""\n') == []


def test_a_predicate_may_say_whether(english):
    assert rules(english, 'def f() -> bool:\n    """Whether it holds."""\n') == []
    assert rules(english, 'FLAG = True\n"""Whether it holds."""\n') == []
    assert rules(english, 'class A:\n    """Whether it holds."""\n') == [(2, "first-word")]


@pytest.mark.parametrize(
    ("docstring", "good"),
    [
        ("A link to one peer.", True),
        ("The one exception tree.", True),
        ("64 bits of a plane.", True),
        ("`NAME.key`, in PEM form.", True),
        ("What a party remembers.", False),
        ("The same for recipients.", False),
        ("For each m, a polynomial.", False),
        ("Something outside is busy.", False),
        ("... and its hash.", False),
        ("Our bug.", False),
    ],
)
def test_modules_classes_properties_and_values_start_with_a_noun(english, docstring, good):
    for source in (
        f'"""{docstring}"""\n',
        f'class A:\n    """{docstring}"""\n',
        f'class A:\n    @property\n    def b(self):\n        """{docstring}"""\n',
        f'class A:\n    b: int\n    """{docstring}"""\n',
        f'A = 1\n"""{docstring}"""\n',
    ):
        assert (rules(english, source) == []) == good, source


@pytest.mark.parametrize(
    "word",
    ["somebody", "Someone", "anybody's", "anyone", "nobody", "everybody", "everyone", "no one",
     "whoever", "whatever", "whichever", "whomever"],
)  # fmt: skip
def test_pronouns_are_found_in_docstrings_errors_and_comments(english, word):
    source = (
        f'"""Links.\n\nOne thing. Then {word} reads it. Another thing."""\n'
        f"x = 1  # {word} reads it\n"
        f'raise ValueError(f"{{x}} and {word} reads it")\n'
    )
    assert rules(english, source) == [(3, "pronoun"), (4, "pronoun"), (5, "pronoun")]
    assert f"Then {word} reads it" in str(english.check_source("x.py", source)[0])


def test_two_words_that_speak_of_named_things_pass(english):
    assert (
        rules(english, '"""Links: every one of them, any one of the three, some body."""\n') == []
    )


def test_a_finding_is_one_line_with_its_sentence(english):
    (finding,) = english.check_source("a.py", '"""Links. They go\nto somebody. End."""\n')
    assert str(finding) == "a.py:2: pronoun: 'somebody' names no party: 'They go to somebody'"


def test_pages_are_read_without_their_code(english):
    page = "Text.\n\n```sh\necho nobody\n```\n\n`whoever`, and then\nsomebody.\n"
    assert [(f.line, f.rule) for f in english.check_page("p.md", page)] == [(8, "pronoun")]


def test_every_clean_room_is_there(english):
    assert set(english.clean_rooms(top)) <= set(english.all_rooms(top))
    assert english.check_room(top, "wire") == []  # scripts/check looks at all of them


def test_the_program_fails_with_the_place_and_the_sentence(english, tmp_path, monkeypatch, capsys):
    room = tmp_path / "src" / "ostraka" / "room.py"
    room.parent.mkdir(parents=True)
    room.write_text('"""What it is."""\n')
    monkeypatch.setattr(english, "__file__", str(tmp_path / "scripts" / "english"))
    (tmp_path / "pyproject.toml").write_text('[tool.ostraka.english]\nclean = ["room"]\n')
    assert english.main([]) == 1
    said = capsys.readouterr().out
    assert said.startswith("src/ostraka/room.py:1: first-word: 'what' names no thing")
    room.write_text('"""A room."""\n')
    assert (english.main([]), capsys.readouterr().out) == (0, "")
