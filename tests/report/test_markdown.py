"""Text of logs in Markdown files: a reader of Markdown sees it as text, whatever it holds."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from livefire.report.safe import safe_markdown, safe_text
from tests.web.hostile import STRINGS

READER = MarkdownIt("commonmark")


def seen(text: str) -> str:
    """Return what a reader shows of a text that stands in a list, with its elements."""
    return str(READER.render(f"- by {text}: more"))


def bare(page: str) -> str:
    return html.unescape(re.sub("</?(ul|li|em|strong)>", "", page)).strip()


def test_no_string_is_more_than_text() -> None:
    for text in STRINGS:
        elements = set(re.findall(r"<[a-z/][^>]*>", seen(safe_markdown(text))))
        assert elements <= {"<ul>", "</ul>", "<li>", "</li>", "<em>", "</em>", "<strong>", "</strong>"}, text


def test_a_text_is_shown_as_it_is() -> None:
    """What a terminal would obey is written out first, as everywhere; the rest is what was logged."""
    for text in ("arn:aws:iam::111122223333:user/mo", "a <b> [c](d) `e` & f", "\\ back", "a\nb", "<script>alert(1)</script>", "![x](http://192.0.2.1/y)"):
        assert bare(seen(safe_markdown(text))) == f"by {safe_text(text)}: more"


def test_a_line_of_its_own_is_no_heading_or_list() -> None:
    for text in ("# head", "- item", "+ item", "== ", "~~~ fence", "| a | b |", "> quote"):
        assert READER.render(f"- {safe_markdown(text)}") == f"<ul>\n<li>{html.escape(text.strip(), quote=False)}</li>\n</ul>\n"


@given(st.text(alphabet="<>[]()!`*_#-+=~|&\\\"' \n\rab:/.;", max_size=60))
def test_no_text_makes_a_link_an_image_or_an_element(text: str) -> None:
    assert not re.search("<(a|img|script|code|pre|h[1-6]|blockquote|table|hr)[ >/]", seen(safe_markdown(text)))
