"""Words and signs that the reader of KQL expressions tells apart."""

from __future__ import annotations

TEXT = frozenset(
    {
        "=~",
        "!~",
        "has",
        "!has",
        "has_cs",
        "!has_cs",
        "hasprefix",
        "!hasprefix",
        "hasprefix_cs",
        "!hasprefix_cs",
        "hassuffix",
        "!hassuffix",
        "hassuffix_cs",
        "!hassuffix_cs",
        "contains",
        "!contains",
        "contains_cs",
        "!contains_cs",
        "startswith",
        "!startswith",
        "startswith_cs",
        "!startswith_cs",
        "endswith",
        "!endswith",
        "endswith_cs",
        "!endswith_cs",
        "like",
        "notlike",
        "notcontains",
        "containscs",
        "notcontainscs",
        "notcontains_cs",
        "likecs",
        "notlikecs",
    }
)
LISTS = frozenset({"in", "!in", "in~", "!in~", "has_any", "has_all"})
OLD = {"notcontains": "!contains", "containscs": "contains_cs", "notcontainscs": "!contains_cs", "notcontains_cs": "!contains_cs", "<>": "!="}
TRUTHS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE"})
# An operand that one of these follows is an expression by itself, as most items of a list are.
OPERANDS = frozenset({"name", "string", "long", "real", "timespan"})
ENDS = frozenset({",", ")", "|", ";", ""})
LOOSE = ENDS | {"==", "!=", "<>", "<", ">", "<=", ">=", "in", "!in", "in~", "!in~", "between", "!between", "and", "or"}
# Words that name no column unless they stand in brackets, as Microsoft's parser has it; those of the first are no functions either.
JOINING = frozenset(
    {"and", "or", "in", "by", "between", "has", "contains", "has_cs", "contains_cs", "hasprefix", "startswith", "endswith", "like", "notlike", "notcontains"}
)
RESERVED = JOINING | frozenset(
    {
        "as",
        "asc",
        "datatable",
        "date",
        "datetime",
        "decimal",
        "desc",
        "double",
        "dynamic",
        "externaldata",
        "find",
        "first",
        "has_all",
        "has_any",
        "int",
        "invoke",
        "isfuzzy",
        "last",
        "long",
        "materialize",
        "of",
        "print",
        "project",
        "real",
        "sample",
        "search",
        "set",
        "string",
        "time",
        "timespan",
        "to",
        "toscalar",
        "totable",
        "union",
        "where",
    }
)
