"""What the two languages of Elastic write alike: fields by their names."""

from __future__ import annotations

import re
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import worked_out
from livefire.translation.printer import Found, Printer


class ElasticPrinter(Printer):
    """Names fields of an index."""

    lists: ClassVar[bool] = True

    def value_of(self, found: Found) -> str:
        """Return the field's name."""
        if found.shown.type is Type.DYNAMIC and not getattr(found.subject, "steps", ()) and not worked_out(found.subject):
            raise self.no_form("the text of a whole object, whose members are fields of their own", found.span)
        return field_name(found.shown.name)


def field_name(name: str) -> str:
    """Return a name, in backticks where it needs them."""
    return name if re.fullmatch(r"[@A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name) else "`" + name.replace("`", "``") + "`"


__all__ = ["ElasticPrinter", "field_name"]
