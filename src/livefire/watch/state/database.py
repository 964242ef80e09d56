"""Opening a state: the connection, its safety settings, and its schema moved to the present one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from livefire.watch.faults import WatchError

HEAD = "0001"
_KINDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}


class Database:
    """Transactions over a state. One that returns has reached the disk; one that raises has left nothing."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read one consistent state."""
        with self._guarded(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Change the state, all of it or nothing."""
        with self._guarded(), self.engine.connect().execution_options(livefire_write=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise WatchError("E703", f"the state at {shown(self.engine.url)} failed: {_words(error)}") from error


def open_database(text: str, *, make: bool = True) -> Database:
    """Open the state at a URL such as `sqlite:////var/lib/livefire/state.sqlite` or `postgresql://user@host/livefire`.

    It is made when it is not there, unless `make` is False. WatchError E703 when it cannot be opened, E704 when a newer livefire made it.
    """
    url = _url(text)
    database = Database(_sqlite(url, make=make) if url.drivername == "sqlite" else _postgres(url))
    _migrate(database)
    return database


def examine(text: str) -> None:
    """Raise what `open_database` would, and make and change nothing."""
    url = _url(text)
    if url.drivername == "sqlite" and url.database and url.database != ":memory:" and not Path(url.database).exists():
        parent = Path(url.database).parent
        while not parent.exists():
            parent = parent.parent
        if not os.access(parent, os.W_OK | os.X_OK) or not parent.is_dir():
            raise WatchError("E703", f"the state at {url.database} cannot be made: {parent} cannot be written")
        return
    engine = _sqlite(url, make=False) if url.drivername == "sqlite" else _postgres(url)
    try:
        with engine.connect() as connection, connection.begin():
            _not_newer(_version(connection))
    except SQLAlchemyError as error:
        raise WatchError("E703", f"the state at {shown(url)} cannot be opened: {_words(error)}") from error
    finally:
        engine.dispose()


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise WatchError("E703", "the state's url is none: write sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if url.drivername not in _KINDS:
        raise WatchError("E703", f"a state is kept in sqlite or postgresql, not in {url.drivername}")
    return url.set(drivername=_KINDS[url.drivername])


def _sqlite(url: URL, *, make: bool) -> sa.Engine:
    path = Path(url.database or "")
    if not url.database or url.database == ":memory:":
        raise WatchError("E703", "a state needs a file: write sqlite:///FILE")
    try:
        if not path.exists():
            if not make:
                raise WatchError("E703", f"there is no state at {path}; `livefire watch` makes it")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise WatchError("E703", f"the state at {path} cannot be made: {(error.strerror or str(error)).lower()}") from error
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sa.event.listen(engine, "connect", _settle)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _settle(connection: Any, _record: Any) -> None:
    """Make SQLite keep what it acknowledged over a power cut, and let readers in while it is written."""
    connection.isolation_level = None
    for setting in ("journal_mode=wal", "synchronous=full", "busy_timeout=30000", "foreign_keys=on"):
        connection.execute(f"pragma {setting}")


def _begin(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("livefire_write", False)
    connection.exec_driver_sql("begin immediate" if immediate else "begin")


def _postgres(url: URL) -> sa.Engine:
    try:
        return sa.create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ", connect_args={"connect_timeout": 10})
    except ModuleNotFoundError:
        raise WatchError("E703", "PostgreSQL needs the extra: pip install 'livefire[postgres]'") from None


def _migrate(database: Database) -> None:
    try:
        with database.engine.connect() as connection, connection.begin():
            found = _version(connection)
        if found == HEAD:
            return
        _not_newer(found)
        with database.engine.connect().execution_options(livefire_write=True) as connection, connection.begin():
            _upgrade(connection)
    except SQLAlchemyError as error:
        raise WatchError("E703", f"the state at {shown(database.engine.url)} cannot be opened: {_words(error)}") from error


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version = sa.table("alembic_version", sa.column("version_num"))
    found = connection.execute(sa.select(version.c.version_num)).scalar()
    return None if found is None else str(found)


def _not_newer(found: str | None) -> None:
    if found is not None and found > HEAD:
        raise WatchError("E704", f"a newer livefire made this state (schema {found}, this one knows {HEAD}); use that version")


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6C66)))  # two processes that open a new state at once
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def shown(url: URL) -> str:
    """Return a URL without its password."""
    return url.render_as_string(hide_password=True)


def _words(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    words = str(cause).strip().splitlines()[0][:200] if str(cause).strip() else type(cause).__name__
    return f"{words}: another process holds it, such as a backup or a shell" if words == "database is locked" else words
