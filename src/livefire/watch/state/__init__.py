"""The state of a watch in SQL: alerts, incidents, schedules and what is still to be sent. SQLite by default, PostgreSQL for a team.

`State.open(url)` opens it, makes it or moves it to the present schema; `default_url(lake)` is where a lake's state lies unless
a configuration says otherwise. Any number of processes may hold it open. What pages and commands use, beside `Workspace.state()`
which opens it:

| call | gives |
|---|---|
| `state.desk.alerts(AlertFilter(...))` | `Page[Alert]`: by status, severity, rule, actor, incident, time and text; newest first |
| `state.desk.alert(fingerprint)` | `AlertDetail`: the alert, its moves, deliveries and moments; a beginning of the fingerprint is enough |
| `state.desk.move(fingerprint, "triaged", who=, reason=, now=)` | the alert after it; to `closed` with `verdict=` true_positive, false_positive or benign |
| `state.desk.incidents(status=, raised=)`, `.incident(id)`, `.move_incident(id, ...)` | the same of incidents; closing one closes its open alerts |
| `state.desk.except_(rule=, owner=, reason=, expires=, now=, actor=...)`, `.exceptions()`, `.end_exception(id)` | findings that are kept and not sent |
| `state.desk.announce(name=, start=, end=, ticket=, ...)`, `.windows()` | announced work |
| `state.health(now)` | `Health`: running or not, rules, sources, sinks, gaps, notes, and problems in words |
| `state.desk.feedback()` | how often alerts of each rule were closed as true, false or benign: what tuning starts from |

Everything given back is a value of `livefire.watch.records`. `WatchError` says what cannot be done: E703 a state that cannot
be opened, E705 no such alert or incident, E706 a move that is not allowed, E712 an exception without scope or reason.
"""

from livefire.watch.state.desk import AlertFilter
from livefire.watch.state.store import State, default_url

__all__ = ["AlertFilter", "State", "default_url"]
