"""The AST of SPL: search conditions and one node a command; eval expressions are those of the kit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Ast, Name


@dataclass(frozen=True, slots=True)
class Word:
    """A value of the search language as written, without its quotes."""

    text: str
    span: Span
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase looked for in the raw event; `form` is CASE or TERM where written."""

    word: Word
    span: Span
    form: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op value`; the value of a misplaced eval call is an expression."""

    field: Name
    operator: str
    value: Word | Ast
    span: Span
    form: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """`field IN (values)`."""

    field: Name
    values: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or` of conditions."""

    operator: str
    items: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT condition`."""

    item: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class Subsearch:
    """`[search …]` inside a search, read as the condition that its rows make."""

    pipeline: Pipeline
    span: Span


@dataclass(frozen=True, slots=True)
class Unread:
    """A place held by a macro that nobody declared."""

    span: Span


Condition: TypeAlias = Term | Comparison | Membership | Junction | Negation | Subsearch | Unread


@dataclass(frozen=True, slots=True)
class Option:
    """`name=value` before or after the arguments of a command."""

    name: str
    value: Word
    span: Span


Options: TypeAlias = tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """`search`, written or implied; no condition keeps every row."""

    condition: Condition | None
    span: Span


@dataclass(frozen=True, slots=True)
class Where:
    """`where expression`."""

    condition: Ast
    span: Span


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = expression`; with `around` the field is named by the value of `name`, with a text before and after."""

    name: Name
    value: Ast
    span: Span
    around: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Eval:
    """`eval a=…, b=…`."""

    assignments: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Formatting:
    """`fieldformat`."""

    assignments: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate: `function(argument) AS alias`; the argument is a field, an eval expression or nothing."""

    function: str
    argument: Ast | None
    alias: Name | None
    span: Span
    written: str


@dataclass(frozen=True, slots=True)
class Stats:
    """`stats`, `eventstats` or `streamstats`."""

    kind: str
    measures: tuple[Measure, ...]
    by: tuple[Name, ...]
    options: Options
    span: Span
    resets: tuple[tuple[str, Ast], ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """`chart` or `timechart`; `over` is the row field, `split` the column field with its options."""

    kind: str
    measures: tuple[Measure, ...]
    over: Name | None
    split: Name | None
    options: Options
    span: Span
    split_options: Options = ()
    over_options: Options = ()


@dataclass(frozen=True, slots=True)
class Tstats:
    """`tstats` or `mstats`: aggregates over a data model, an index or a metric index."""

    kind: str
    measures: tuple[Measure, ...]
    source: Word | None
    condition: Condition | None
    by: tuple[Name, ...]
    options: Options
    span: Span
    by_options: Options = ()


@dataclass(frozen=True, slots=True)
class Rex:
    """`rex`: named groups into fields, or `mode=sed` text changes."""

    pattern: Word
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Regex:
    """`regex field=pattern`: keep rows that match, or with `negated` those that do not."""

    field: Name | None
    negated: bool
    pattern: Word
    span: Span


@dataclass(frozen=True, slots=True)
class Spath:
    """`spath`: a path of a JSON text into a field."""

    options: Options
    path: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Renaming:
    """`old AS new`, both perhaps with `*`."""

    old: Name
    new: Name


@dataclass(frozen=True, slots=True)
class Rename:
    """`rename`."""

    pairs: tuple[Renaming, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Fields:
    """`fields [+|-]`, `table`: the named fields kept, or with `remove` dropped."""

    kind: str
    names: tuple[Name, ...]
    remove: bool
    span: Span


@dataclass(frozen=True, slots=True)
class SortField:
    """One key of `sort`; `form` is auto, num, str or ip."""

    field: Name
    descending: bool
    form: str


@dataclass(frozen=True, slots=True)
class SortBy:
    """`sort`."""

    keys: tuple[SortField, ...]
    limit: int | None
    span: Span
    stray: tuple[Span, ...] = ()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Dedup:
    """`dedup`."""

    names: tuple[Name, ...]
    count: int
    options: Options
    sortby: tuple[SortField, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Head:
    """`head` by number, or while a condition holds."""

    count: int | None
    condition: Ast | None
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Plain:
    """A command of words and options only: `fillnull`, `tail`, `makemv` …"""

    name: str
    options: Options
    words: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Top:
    """`top` or `rare`."""

    kind: str
    names: tuple[Name, ...]
    by: tuple[Name, ...]
    limit: int | None
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Bin:
    """`bin field [AS new]`."""

    field: Name
    alias: Name | None
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class JoinWith:
    """`join fields [subsearch]`."""

    names: tuple[Name, ...]
    options: Options
    right: Pipeline
    span: Span


@dataclass(frozen=True, slots=True)
class Append:
    """`append`, `appendpipe`, `appendcols`, `union` or `multisearch` with their subsearches."""

    kind: str
    options: Options
    parts: tuple[Pipeline, ...]
    names: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Match:
    """A key of `lookup`: field of the table and field of the event."""

    table: Name
    event: Name


@dataclass(frozen=True, slots=True)
class Lookup:
    """`lookup`; `mode` is OUTPUT, OUTPUTNEW or nothing for every field."""

    table: Word
    matches: tuple[Match, ...]
    mode: str
    outputs: tuple[Match, ...]
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class InputLookup:
    """`inputlookup`."""

    table: Word
    condition: Condition | None
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Conversion:
    """`function(field) AS alias` of `convert`."""

    function: str
    field: Name
    alias: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Convert:
    """`convert`."""

    conversions: tuple[Conversion, ...]
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Replacement:
    """`old WITH new` of `replace`."""

    old: Word
    new: Word


@dataclass(frozen=True, slots=True)
class Replace:
    """`replace`."""

    pairs: tuple[Replacement, ...]
    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Foreach:
    """`foreach fields [eval …]` before its templates are filled."""

    names: tuple[Name, ...]
    options: Options
    body: tuple[object, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Transaction:
    """`transaction`."""

    names: tuple[Name, ...]
    options: Options
    starts: Condition | None
    ends: Condition | None
    span: Span


@dataclass(frozen=True, slots=True)
class Map:
    """`map`: the text of a search in which `$field$` stands for a row's value."""

    text: str
    options: Options
    span: Span


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that is read but not run."""

    name: str
    span: Span


Command: TypeAlias = (
    Search | Where | Eval | Formatting | Stats | Chart | Tstats | Rex | Regex | Spath | Rename | Fields | SortBy | Dedup | Head | Plain | Top | Bin
    | JoinWith | Append | Lookup | InputLookup | Convert | Replace | Foreach | Transaction | Map | Refused | Unread
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands one after the other."""

    commands: tuple[Command, ...]
    span: Span = field(default=Span(0, 0), compare=False)
