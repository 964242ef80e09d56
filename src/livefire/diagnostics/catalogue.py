"""Every code a diagnostic may have, with what it says; codes are never reused.

Letters tell severity: the same number is E as an error, W as a warning, N as a notice. Ranges: 0xx use, 1xx
names and types, 2xx syntax, 3xx unsupported, 4xx data and runs, 5xx packs.
"""

from __future__ import annotations

TITLES: dict[int, str] = {
    1: "no such language",
    2: "no such file",
    101: "no such table",
    102: "no such column",
    103: "no such function",
    104: "types do not fit",
    105: "wrong number of arguments",
    106: "a name is used twice",
    107: "an option has a value it does not take",
    130: "CQL: free text is searched after an aggregate",
    131: "CQL: a function that only draws",
    132: "CQL: a named group where none extracts",
    133: "CQL: a step keeps its default number of rows",
    134: "CQL: a saved query that was not declared",
    135: "CQL: an argument without its name",
    136: "CQL: a comparison with what is no number",
    137: "CQL: a user parameter without a value",
    138: "CQL: parsed fields that the query does not name are not shown",
    139: "CQL: the width of a chart's buckets is chosen from the events",
    201: "text that cannot stand here",
    202: "a bracket is not closed",
    203: "a quote is not closed",
    204: "nested too deeply",
    205: "a regular expression that cannot be run",
    206: "a literal that cannot be read",
    230: "CQL: where is not a step",
    231: "CQL: in is a function, not an operator",
    232: "CQL: an arrow in case",
    233: "CQL: == in a filter",
    234: "CQL: a pattern after =~",
    301: "an operator or command that is not supported",
    302: "a function that is not supported",
    303: "the engine lacks what the query needs",
    304: "an option that is not supported",
    305: "a feature that is not supported",
    451: "the run took longer than its budget",
    452: "the run needs more memory or disk than its budget",
    453: "the result has more rows than the budget allows",
    454: "the engine could not run the query",
    455: "the query worker ended unexpectedly",
    456: "the sandbox forbids what the query asks for",
    457: "a parameter has no value",
    501: "a folder without detections",
    502: "a detection card that cannot be read",
    503: "a detection without a rule",
    504: "two detections share an id",
    505: "a rule file that cannot be read",
}


def title(code: str) -> str:
    """Return what a code such as `E102` says; KeyError for an unknown one."""
    return TITLES[int(code[1:])]
