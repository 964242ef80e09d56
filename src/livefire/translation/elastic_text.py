"""What the two languages of Elastic write alike: fields by their names."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from livefire.diagnostics import Span
from livefire.schema import Type
from livefire.translation.condition import worked_out
from livefire.translation.printer import Found, Printer


class ElasticPrinter(Printer):
    """Names fields of an index."""

    lists: ClassVar[bool] = True

    def moment(self, value: datetime, span: Span | None) -> str:
        """Return a moment as text; an index counts time in milliseconds."""
        if value.microsecond % 1000:
            raise self.no_form("a part of a millisecond", span)
        return f"{value.isoformat(timespec='milliseconds')}Z"

    def value_of(self, found: Found) -> str:
        """Return the field's name."""
        if found.shown.type is Type.DYNAMIC and not getattr(found.subject, "steps", ()) and not worked_out(found.subject):
            raise self.no_form("the text of a whole object, whose members are fields of their own", found.span)
        return field_name(found.shown.name)


def field_name(name: str) -> str:
    """Return a name, in backticks where it needs them."""
    return name if re.fullmatch(r"[@A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name) else "`" + name.replace("`", "``") + "`"


__all__ = ["ElasticPrinter", "field_name"]
