"""What the Kibana Query Language reads, where it refuses, and which fields of a product's tables it knows."""

from __future__ import annotations

import pytest

import livefire
from livefire.languages.index.analysed import UndividedError, words

ROWS = [
    {"place": 0, "name": "x", "note": "Access denied: key-1.2 of user.bob", "n": 1},
    {"place": 1, "name": "a?b", "note": "access was DENIED", "n": 2},
    {"place": 2, "name": "\t", "note": None, "n": 3},
]


def places(text: str, language: str = "kuery", *, lenient: bool = False) -> list[int]:
    ws = livefire.Workspace()
    ws.load("t", ROWS)
    result = ws.query(text, language=language, index="t", lenient=lenient)
    return [row[result.columns.index("place")] for row in result.rows]


def faults(text: str, language: str = "kuery", index: str = "logs-aws.cloudtrail-*") -> list[tuple[str, str]]:
    found = livefire.Workspace().check(text, language=language, index=index)
    return [(d.code, text[d.span.start : d.span.end]) for d in found]


def test_question_mark_is_plain_and_escapes_are_read() -> None:
    assert places("name:a?*") == [1]
    assert places('name:"\\u0078"') == places("name:\\u0078") == [0]
    # In quotes \t is a tab, as in Kibana.
    assert places('name:"\\t"') == [2]


def test_value_ends_at_a_keyword_only_between_blanks() -> None:
    assert places("name:x or n:3") == [0, 2]
    assert places("name:xor n") == []
    assert places("name:(x OR a?b) and not n:2") == [0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.action:(a or b", ("E202", "(")),
        ('event.action:"a', ("E203", '"a')),
        ("event.action:a b:c", ("E201", ":")),
        ("event.action:C:\\Windows", ("E201", ":")),
        ("event.action:\\W", ("E201", "\\")),
        ("event.action:null", ("E206", "null")),
        ("source.ip:10.*", ("E104", "10.*")),
        ("source.ip:nowhere", ("E104", "nowhere")),
        ("@timestamp >= soon", ("E104", "soon")),
        ("aws.cloudtrail.read_only:maybe", ("E104", "maybe")),
        ("aws.cloudtrail.flattened.request_parameters:x", ("E305", "x")),
        ("gone", ("E305", "gone")),
        ("source.as.number:1", ("W181", "source.as.number")),
        ("event.acton:x", ("W102", "event.acton")),
        ("source.ip > 10.0.0.1", ("E305", "10.0.0.1")),
    ],
)
def test_faults_are_placed(text: str, expected: tuple[str, str]) -> None:
    assert faults(text)[0] == expected


def test_names_of_fields_that_are_known_say_nothing() -> None:
    assert faults("event.action:a and aws.cloudtrail.flattened.request_parameters.name:b* and source.ip:10.0.0.0/8") == []


def test_a_nested_field_has_no_value_outside_of_braces() -> None:
    name = "gcp.audit.authorization_info.permission"
    assert faults(f"{name}:x", index="logs-gcp.audit-*") == [("W183", name)]


def test_deep_nesting_is_refused() -> None:
    assert [code for code, _ in faults("(" * 300 + "event.action:a" + ")" * 300)] == ["E204"]


def test_keyword_that_touches_a_quote_runs_when_lenient() -> None:
    assert places('name:"x"or n:3', lenient=True) == [0, 2]


def test_words_of_analysed_text() -> None:
    # By Unicode's rules a point joins two letters or two digits, a hyphen joins nothing, a colon two letters.
    assert words("Access denied: key-1.2 of user.bob's a:b 1:2") == ["access", "denied", "key", "1.2", "of", "user.bob's", "a:b", "1", "2"]
    with pytest.raises(UndividedError):
        words("権限")


def test_lucene_places_and_letters() -> None:
    assert places("name:a\\?b", "lucene") == places("name:a?b", "lucene") == [1]
    assert places("n:(1 OR 3) AND NOT name:x", "lucene") == [2]
    # Words in small letters are no operators: this is the text "x and n".
    assert places("name:(x and n)", "lucene") == []
    assert places("NOT (NOT n:2)", "lucene") == [1]
    assert faults("event.action:a~2", "lucene") == [("E305", "~2")]
    assert faults("event.action:(a AND", "lucene")[0][0] == "E201"
    assert faults("event.action:[a TO", "lucene")[0] == ("E201", "[")
    assert faults("event.action:/a(?=b)/", "lucene") == [("E205", "/a(?=b)/")]
