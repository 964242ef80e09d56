"""Whatever the text, the answer is a plan or diagnostics, never another exception."""

from hypothesis import given, settings
from hypothesis import strategies as st

from livefire import QueryError, Workspace
from livefire.diagnostics import Source

_WORDS = """
search index=cloud who=ann NOT OR AND ( ) [ ] | stats count by who eval x = != < 1 2.5 "a*" 'd.x' `m(1)` ``` ` " where like if( mvindex(tags, 0 , rex (?<a>b)
"(?<a>b)" rename as * a* bin span=1h _time timechart join append sort - top dedup fillnull foreach <<FIELD>> spath earliest=-1d@d lookup cloud tstats from
datamodel=cloud convert ctime( eventstats streamstats current=f max(size) values(*) {} \\ $x$ . in IN é \x00
"""

WORKSPACE = Workspace()
WORKSPACE.load("cloud", [{"who": "ann", "size": 1, "tags": ["a"], "d": {"x": 1}, "_time": "2026-01-01T00:00:00Z"}], time_field="_time")


def answer(text: str, *, lenient: bool) -> None:
    WORKSPACE.check(text, language="spl", lenient=lenient)
    try:
        compiled = WORKSPACE.compile(Source(text), "spl", lenient=lenient)
    except QueryError as error:
        assert any(d.severity == "error" for d in error.diagnostics)
    else:
        assert WORKSPACE.sql(compiled)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(_WORDS.split()), max_size=14), st.booleans())
def test_words_of_the_language(words: list[str], lenient: bool) -> None:
    answer(" ".join(words), lenient=lenient)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40))
def test_any_characters(text: str) -> None:
    answer(text, lenient=False)
    answer("index=cloud | eval x=" + text, lenient=True)


def test_deep_nesting_is_said() -> None:
    for text in ("(" * 5000 + "a" + ")" * 5000, "NOT " * 5000 + "a", "index=cloud | eval x=" + "-" * 5000 + "1", "[search " * 500 + "a" + "]" * 500):
        codes = {d.code for d in WORKSPACE.check(text, language="spl")}
        assert "E204" in codes
