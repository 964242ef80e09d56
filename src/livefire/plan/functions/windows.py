"""Window meanings; aggregates may stand in a window too."""

from livefire.plan.functions.model import Function, Kind, L

_W: Kind = "window"

FUNCTIONS = (
    Function("window.row_number", (0, 0), L, "place of the row in its partition, counted from 1", "never null", _W, ordered=True),
    Function("window.rank", (0, 0), L, "1 and the number of rows before with a smaller key", "never null", _W, ordered=True),
    Function("window.dense_rank", (0, 0), L, "1 and the number of different smaller keys", "never null", _W, ordered=True),
    Function(
        "window.previous",
        (1, 3),
        "first",
        "the value some constant number of rows before (1), or the third when there is none",
        "null when there is none",
        _W,
        ordered=True,
    ),
    Function(
        "window.last_known",
        (1, 1),
        "first",
        "the value of the last row of the frame that has one",
        "null when no row of the frame has one",
        _W,
        ordered=True,
    ),
    Function(
        "window.next",
        (1, 3),
        "first",
        "the value some constant number of rows after (1), or the third when there is none",
        "null when there is none",
        _W,
        ordered=True,
    ),
)
