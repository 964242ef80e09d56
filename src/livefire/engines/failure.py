"""Why a program has no result, in words of our own; the engine's words stay in `detail`."""

from __future__ import annotations

import re
from typing import Literal

FailureKind = Literal["timeout", "memory", "spill", "rows", "regex", "engine", "crashed", "refused", "data", "stopped"]


class WorkerFailure(Exception):  # noqa: N818 - a failed run is an outcome that callers report, not a fault of theirs
    """A program ended without a result.

    `kind` says which bound or layer ended it, `message` is short and safe to show, `detail`
    holds the raw text of the engine, which may quote the query and must be escaped where shown.
    """

    def __init__(self, kind: FailureKind, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.detail = detail


_REFUSALS = {
    "not-select": "only one SELECT that changes nothing may run in a stage",
    "no-function": "a stage names a function that the worker does not have",
    "no-schema": "a table has neither files nor a schema",
    "no-rows": "a stage gives no rows",
    "same-names": "a table has columns whose names only case tells apart",
    "unbound": "a stage uses a parameter that the program does not bind",
}
# RE2's own error texts, https://github.com/google/re2/blob/main/re2/re2.cc
_REGEX = re.compile(
    r"invalid (?:escape sequence|character class|character class range|repetition size|repetition argument|perl operator|UTF-8|named capture group"
    r"|nested repetition operator)|(?:missing|unexpected) [\])]|missing closing \]|no argument for repetition operator|bad repetition operator"
    r"|trailing \\|pattern too large|[Rr]egex",
)
# Only `logic.fail_if` begins an error so, and its words are a constant of the query's reader.
_STOPPED = re.compile(r"Invalid Input Error: stopped: (.{1,400})", re.DOTALL)
_SPILL = re.compile(r"max_temp_directory_size|temp(?:orary)? (?:directory|file)|No space left|File too large", re.IGNORECASE)
_ENDED_BY = re.compile(r"([A-Za-z ]{2,30}) Error: ")
_PLAIN = {
    "parser": "the engine could not read the query",
    "syntax": "the engine could not read the query",
    "binder": "the engine could not bind a name or type of the query",
    "catalog": "the query names a table or function that the engine does not have",
    "conversion": "a value could not be converted to the type the query asks for",
    "outofrange": "a number left the range of its type",
    "invalidinput": "a function of the query was given a value it does not take",
    "invalidtype": "the query uses a type in a way the engine does not have",
    "typemismatch": "the query uses a type in a way the engine does not have",
    "notimplemented": "the query needs something the engine does not have",
    "io": "a table file could not be read",
    "serialization": "a table file could not be read",
    "untimed": "an event without a time cannot stand in a sequence",
    "manykeys": "a join key of an event is an array of several values",
    "internal": "the engine failed on the query for a fault of its own",
    "fatal": "the engine failed on the query for a fault of its own",
}


def classify(error: str, detail: str) -> WorkerFailure:
    """Turn an exception's type name and text, as the worker reported them, into a failure."""
    if error == "RefusedError":
        return WorkerFailure("refused", _REFUSALS.get(detail.partition(":")[0], "the worker refused the program"), detail)
    if error == "TooManyRowsError":
        return WorkerFailure("rows", "the result has more rows than the budget allows", detail)
    category = _category(error, detail)
    if category == "permission":
        return WorkerFailure("refused", "the query asks for something that the sandbox forbids", detail)
    if category == "interrupt":
        return timed_out(detail)
    if category in ("outofmemory", "io", "os") and _SPILL.search(detail):
        return WorkerFailure("spill", "the query needs more temporary disk than its budget", detail)
    if category in ("outofmemory", "memory", "arrowmemory") or "std::bad_alloc" in detail:
        return WorkerFailure("memory", "the query needs more memory than its budget", detail)
    stopped = _STOPPED.match(detail)
    if stopped:
        return WorkerFailure("data", stopped.group(1), detail)
    if category == "invalidinput" and _REGEX.search(detail):
        return WorkerFailure("regex", "a regular expression is not one that the engine can run", detail)
    return WorkerFailure("engine", _PLAIN.get(category, "the engine could not run the query"), detail)


def poisons(error: str, detail: str) -> bool:
    """Tell whether the engine may refuse every later query after this failure."""
    return _category(error, detail) in ("internal", "fatal")


def _category(error: str, detail: str) -> str:
    """Name the failure alike whether DuckDB raised it or, while rows are streamed, pyarrow with DuckDB's text."""
    said = _ENDED_BY.match(detail)
    name = said.group(1) if said else re.sub(r"(?:Exception|Error)$", "", error)
    name = name.replace(" ", "").lower()
    return "typemismatch" if name == "mismatchtype" else name


def timed_out(detail: str = "") -> WorkerFailure:
    """Return the failure of a program that ran out of time."""
    return WorkerFailure("timeout", "the query took longer than its budget", detail)


def crashed(detail: str = "") -> WorkerFailure:
    """Return the failure of a program whose worker process ended or answered nonsense."""
    return WorkerFailure("crashed", "the query worker ended unexpectedly while running the query", detail)


def stopped() -> WorkerFailure:
    """Return the failure of a program that somebody asked to stop."""
    return WorkerFailure("stopped", "the run was stopped")
