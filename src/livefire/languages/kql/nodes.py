"""The statements and pipe operators of KQL; expressions are the kit's nodes and those here."""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Ast, Constant
from livefire.languages.kql.graph_nodes import GraphStep
from livefire.record import record
from livefire.schema import Type


@record(frozen=True, slots=True)
class Item:
    """An expression of a list with the names given to it: `x`, `n = x` or `(a, b) = x`."""

    value: Expression
    names: tuple[str, ...]
    span: Span
    name_span: Span


@record(frozen=True, slots=True)
class TypeOf:
    """`typeof(long)`."""

    type: Type
    span: Span


@record(frozen=True, slots=True)
class Query:
    """A source and the operators its rows flow through; a bare source has none."""

    source: Expression
    steps: tuple[Step, ...]
    span: Span


@record(frozen=True, slots=True)
class Block:
    """Statements and a last query: the text of a rule, or the body of a function."""

    statements: tuple[Statement, ...]
    query: Expression | None
    span: Span


@record(frozen=True, slots=True)
class SchemaColumn:
    """`name: type`."""

    name: str
    type: Type
    span: Span


@record(frozen=True, slots=True)
class Parameter:
    """A parameter of a function: scalar with a type, or tabular with a schema (None takes any columns)."""

    name: str
    type: Type
    tabular: bool
    columns: tuple[SchemaColumn, ...]
    default: Expression | None
    span: Span


@record(frozen=True, slots=True)
class FunctionBody:
    """`(parameters) { statements; query }`, perhaps after `view`."""

    parameters: tuple[Parameter, ...]
    body: Block
    span: Span
    view: bool = False


@record(frozen=True, slots=True)
class DataTable:
    """`datatable(schema)[values]`."""

    columns: tuple[SchemaColumn, ...]
    values: tuple[Expression, ...]
    span: Span


@record(frozen=True, slots=True)
class Print:
    """`print items`."""

    items: tuple[Item, ...]
    span: Span


@record(frozen=True, slots=True)
class Range:
    """`range name from a to b step c`."""

    name: str
    start: Expression
    stop: Expression
    step: Expression
    span: Span


@record(frozen=True, slots=True)
class ExternalData:
    """`externaldata(schema)[places] with (format=…, ignoreFirstRecord=…)`."""

    columns: tuple[SchemaColumn, ...]
    places: tuple[str, ...]
    span: Span
    format: str = ""
    without_first: bool = False


@record(frozen=True, slots=True)
class Wildcard:
    """A table or column pattern such as `Sec*`."""

    pattern: str
    span: Span


@record(frozen=True, slots=True)
class Option:
    """`name = value` after an operator's name, the value as written."""

    name: str
    value: str
    span: Span


@record(frozen=True, slots=True)
class Where:
    """`where predicate`."""

    predicate: Expression
    span: Span


@record(frozen=True, slots=True)
class Extend:
    """`extend items` and `serialize items`."""

    items: tuple[Item, ...]
    span: Span
    serialize: bool = False


@record(frozen=True, slots=True)
class Project:
    """`project items`."""

    items: tuple[Item, ...]
    span: Span


@record(frozen=True, slots=True)
class ProjectNames:
    """`project-away` (keep false) or `project-keep` of names and patterns."""

    patterns: tuple[Wildcard, ...]
    keep: bool
    span: Span


@record(frozen=True, slots=True)
class ProjectRename:
    """`project-rename new = old`."""

    items: tuple[Item, ...]
    span: Span


@record(frozen=True, slots=True)
class ProjectReorder:
    """`project-reorder` of names and patterns, each with '', `asc`, `desc`, `granny-asc` or `granny-desc`."""

    patterns: tuple[tuple[Wildcard, str], ...]
    span: Span


@record(frozen=True, slots=True)
class Summarize:
    """`summarize items by keys`."""

    items: tuple[Item, ...]
    keys: tuple[Item, ...]
    span: Span


@record(frozen=True, slots=True)
class Distinct:
    """`distinct items`; an item may be `*`."""

    items: tuple[Item, ...]
    span: Span


@record(frozen=True, slots=True)
class OrderKey:
    """An expression to sort by; `descending` and `nulls_first` None where not written."""

    value: Expression
    descending: bool | None
    nulls_first: bool | None
    span: Span


@record(frozen=True, slots=True)
class Sort:
    """`sort by keys`."""

    keys: tuple[OrderKey, ...]
    span: Span


@record(frozen=True, slots=True)
class Top:
    """`top count by keys`."""

    count: Expression
    keys: tuple[OrderKey, ...]
    span: Span


@record(frozen=True, slots=True)
class Take:
    """`take count`."""

    count: Expression
    span: Span


@record(frozen=True, slots=True)
class Count:
    """`count` or `count as name`."""

    name: str
    span: Span


@record(frozen=True, slots=True)
class Join:
    """`join kind=… (right) on conditions`, or `lookup`."""

    options: tuple[Option, ...]
    right: Expression
    conditions: tuple[Expression, ...]
    lookup: bool
    span: Span


@record(frozen=True, slots=True)
class Union:
    """`union options sources`; as a pipe operator its input is the first source."""

    options: tuple[Option, ...]
    sources: tuple[Expression, ...]
    span: Span


@record(frozen=True, slots=True)
class ExpandItem:
    """A column to expand, perhaps under a new name and as a type."""

    value: Expression
    name: str | None
    type: Type | None
    span: Span


@record(frozen=True, slots=True)
class MvExpand:
    """`mv-expand items limit n`."""

    options: tuple[Option, ...]
    items: tuple[ExpandItem, ...]
    limit: Expression | None
    span: Span


@record(frozen=True, slots=True)
class MvApply:
    """`mv-apply items limit n on (steps)`."""

    options: tuple[Option, ...]
    items: tuple[ExpandItem, ...]
    limit: Expression | None
    steps: tuple[Step, ...]
    span: Span


@record(frozen=True, slots=True)
class Capture:
    """A column that a parse pattern fills; `skip` for `*`."""

    name: str
    type: Type
    skip: bool
    span: Span


@record(frozen=True, slots=True)
class Parse:
    """`parse` or `parse-where` of an expression with texts and columns in turn."""

    value: Expression
    parts: tuple[Constant | Capture, ...]
    kind: str
    flags: str
    filter: bool
    span: Span


@record(frozen=True, slots=True)
class ParseKv:
    """`parse-kv value as (schema) with (options)`."""

    value: Expression
    columns: tuple[SchemaColumn, ...]
    options: tuple[tuple[str, Constant], ...]
    span: Span


@record(frozen=True, slots=True)
class SeriesItem:
    """An aggregate of make-series with its default for empty bins."""

    value: Expression
    name: str | None
    default: Expression | None
    span: Span


@record(frozen=True, slots=True)
class MakeSeries:
    """`make-series items on axis from a to b step c by keys`."""

    items: tuple[SeriesItem, ...]
    axis: Item
    start: Expression | None
    stop: Expression | None
    step: Expression | None
    keys: tuple[Item, ...]
    options: tuple[Option, ...]
    inclusive: bool
    span: Span


@record(frozen=True, slots=True)
class GetSchema:
    """`getschema`."""

    span: Span


@record(frozen=True, slots=True)
class Evaluate:
    """`evaluate plugin(arguments) : (schema)`."""

    call: Expression
    columns: tuple[SchemaColumn, ...]
    span: Span


@record(frozen=True, slots=True)
class Render:
    """`render chart with (…)`, which changes no row."""

    span: Span


@record(frozen=True, slots=True)
class Invoke:
    """`invoke function(arguments)`."""

    call: Expression
    span: Span


@record(frozen=True, slots=True)
class As:
    """`as name`."""

    name: str
    span: Span


@record(frozen=True, slots=True)
class Search:
    """`search in (tables) predicate`."""

    tables: tuple[Expression, ...]
    predicate: Expression
    case_sensitive: bool
    span: Span


@record(frozen=True, slots=True)
class Find:
    """`find withsource=name in (tables) where predicate project columns, pack(*)`; `columns` None is project-smart."""

    source: str | None
    tables: tuple[Expression, ...]
    predicate: Expression
    columns: tuple[SchemaColumn, ...] | None
    pack: bool
    span: Span


@record(frozen=True, slots=True)
class TopHitters:
    """`top-hitters count of value by weight`."""

    count: Expression
    value: Item
    weight: Item | None
    span: Span


@record(frozen=True, slots=True)
class NestedLevel:
    """One level of top-nested."""

    count: Expression | None
    value: Item
    by: Item
    descending: bool
    others: Expression | None
    span: Span


@record(frozen=True, slots=True)
class TopNested:
    """`top-nested` with its levels."""

    levels: tuple[NestedLevel, ...]
    span: Span


@record(frozen=True, slots=True)
class Partition:
    """`partition by column (steps)`."""

    key: Expression
    steps: tuple[Step, ...]
    span: Span


@record(frozen=True, slots=True)
class Several:
    """`fork` or `facet`: several result tables, each the operators that its rows flow through and its name, if any."""

    operator: str
    tables: tuple[tuple[str, tuple[Step, ...]], ...]
    span: Span


@record(frozen=True, slots=True)
class Sample:
    """`sample count`, or `sample-distinct count of value`."""

    count: Expression
    value: Item | None
    span: Span


@record(frozen=True, slots=True)
class ScanStep:
    """A step of `scan`: its condition, and the values it gives to declared columns."""

    name: str
    output: str
    condition: Expression
    assignments: tuple[tuple[str, Expression, Span], ...]
    span: Span


@record(frozen=True, slots=True)
class Scan:
    """`scan with_match_id=m declare (columns) with (steps)`; a declared column may have a default."""

    match_id: str | None
    columns: tuple[tuple[SchemaColumn, Expression | None], ...]
    steps: tuple[ScanStep, ...]
    span: Span


@record(frozen=True, slots=True)
class Unsupported:
    """An operator that is Kusto's but cannot be run here."""

    name: str
    reason: str
    span: Span


@record(frozen=True, slots=True)
class Let:
    """`let name = value`."""

    name: str
    value: Expression
    span: Span
    name_span: Span


@record(frozen=True, slots=True)
class QueryParameters:
    """`declare query_parameters(…)`."""

    parameters: tuple[Parameter, ...]
    span: Span


@record(frozen=True, slots=True)
class Declared:
    """`declare pattern name = (parameters)[path] { (values).[value] = { body }; … }`, each body with the constants it stands for."""

    name: str
    parameters: tuple[str, ...]
    path: bool
    bodies: tuple[tuple[tuple[str, ...], Block], ...]
    span: Span
    name_span: Span


@record(frozen=True, slots=True)
class Setting:
    """`set name = value`, for the settings that have an effect on rows."""

    name: str
    value: Expression
    span: Span


@record(frozen=True, slots=True)
class ProjectByNames:
    """`project-by-names` of texts and arrays of names and patterns."""

    values: tuple[Expression, ...]
    span: Span


@record(frozen=True, slots=True)
class Ignored:
    """A statement without effect on rows here (`set`, `alias`, `restrict`)."""

    what: str
    span: Span = field(compare=False)


Source: TypeAlias = DataTable | Print | Range | ExternalData | Wildcard | Union | Search | Find
Expression: TypeAlias = Ast | Query | Block | FunctionBody | TypeOf | Source
Step: TypeAlias = (
    Where
    | Extend
    | Project
    | ProjectNames
    | ProjectRename
    | ProjectReorder
    | ProjectByNames
    | Summarize
    | Distinct
    | Sort
    | Top
    | Take
    | Count
    | Join
    | Union
    | MvExpand
    | MvApply
    | Parse
    | ParseKv
    | MakeSeries
    | GetSchema
    | Evaluate
    | Render
    | Invoke
    | As
    | Search
    | TopHitters
    | TopNested
    | Partition
    | Several
    | Scan
    | Sample
    | GraphStep
    | Unsupported
)
Statement: TypeAlias = Let | QueryParameters | Declared | Setting | Ignored
