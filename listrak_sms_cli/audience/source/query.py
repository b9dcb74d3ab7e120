"""Run a query in a database, by ADBC: read-only where the driver can, once, with its rows in the spool.

A driver's error may quote data, or the address with its password: only its SQLSTATE and status are passed on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
from msgspec import Struct

from listrak_sms_cli.audience.source.arrow import ArrowReader, ArrowStream, cause_of, open_stream
from listrak_sms_cli.audience.source.frames import adbc_reader
from listrak_sms_cli.audience.source.options import ReadOptions, is_query, query_name
from listrak_sms_cli.audience.source.reader import SourceNote
from listrak_sms_cli.audience.source.spool import SourceSpool
from listrak_sms_cli.databases import Database, find_database
from listrak_sms_cli.errors import AudienceError

_QUERIES = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "(")  # what a statement that only reads begins with
_SQLITE_ROWS = 1 << 16  # of which the type of each column is concluded; a later row of another type is an error
# What the classes of SQLSTATE, the first two characters, mean to those who can do something about it.
_HINTS = {
    "08": "The connection to the database failed: check that it runs and can be reached.",
    "25": "A query only reads; this one would write.",
    "28": "The database refused the credentials: check the address in the uri_file.",
    "42": "The database does not understand the query, or the user may not read what it names.",
    "53": "The database is short of memory, disk or connections: try again later.",
    "57": "The database cancelled the query, or was stopped: try again.",
}


class _Driver(Struct, frozen=True):
    """`title`: for people; `dialect`: as sqlglot calls it; `arguments`: of the connection, from address and options;
    `first`: statements that make the session read-only; `statement`: options of the statement."""

    title: str
    dialect: str
    arguments: Callable[[Database], dict[str, str]]
    first: tuple[str, ...] = ()
    statement: Mapping[str, str] = {}


def _by_uri(database: Database) -> dict[str, str]:
    return {**database.options, **({"uri": database.uri} if database.uri else {})}


def _of_sqlite(database: Database) -> dict[str, str]:
    """An address `file:…` or a path; a file that is not there is not made."""
    uri = database.uri or ""
    if not uri.startswith("file:"):
        uri = Path(uri).expanduser().absolute().as_uri()
    return {**database.options, "uri": uri if "mode=" in uri else f"{uri}{'&' if '?' in uri else '?'}mode=ro"}


def _of_duckdb(database: Database) -> dict[str, str]:
    """A path, or `:memory:` for queries of files, which nothing can be written to."""
    path = database.uri or ""
    mode = {} if path == ":memory:" else {"access_mode": "READ_ONLY"}
    return {**database.options, **mode, "path": path, "entrypoint": "duckdb_adbc_init"}


# Snowflake and BigQuery are not tested here: nobody has a server of them.
_DRIVERS = {
    "postgresql": _Driver("PostgreSQL", "postgres", _by_uri, ("SET default_transaction_read_only = on",)),
    "sqlite": _Driver(
        "SQLite", "sqlite", _of_sqlite, ("PRAGMA query_only = on",), {"adbc.sqlite.query.batch_rows": str(_SQLITE_ROWS)}
    ),
    "duckdb": _Driver("DuckDB", "duckdb", _of_duckdb),
    "snowflake": _Driver("Snowflake", "snowflake", _by_uri),
    "bigquery": _Driver("BigQuery", "bigquery", _by_uri),
}


def open_query(source: object, options: ReadOptions, spool: SourceSpool) -> ArrowReader:
    """Run the query in a file to its end in the database that the options name. Row numbers count from 1.

    Raises SettingsError where the database is not known, AudienceError: `not_a_query`, `not_found`, `cannot_read`,
    `extra_missing`, `cannot_connect`, `query_failed`, and what `open_stream` raises.
    """
    if not isinstance(source, str | os.PathLike) or not is_query(os.fsdecode(source)):
        raise AudienceError(
            "--source is there, and the audience is no query.",
            hint="Leave --source out, or name a file whose name ends in .sql",
            code="not_a_query",
        )
    path = os.fsdecode(source)
    database = find_database(options.source or "", options.config)
    driver, name = _DRIVERS[database.driver], query_name(database.name, path)
    text, ordered = _statement(_text(path), name, driver, database.driver)
    notes = () if ordered else (_unordered(name),)
    with closing(_connect(database, driver)) as connection, closing(connection.cursor()) as cursor:
        try:
            zone = _prepare(cursor, database, driver)
            cursor.execute(text)
            reader = adbc_reader(cursor) or cursor.fetch_record_batch()
            schema = _in_zone(reader.schema, zone)
        except Exception as error:  # the drivers' errors, and Arrow's for what they give
            raise _failed(name, "failed", error) from None
        stream = ArrowStream(name, schema, _batches(name, reader, schema), f"query, {driver.title}", notes)
        return open_stream(stream, spool, options.skip)


def _text(path: str) -> str:
    """Raises AudienceError (`not_found`, `cannot_read`)."""
    try:
        return Path(path).expanduser().read_text("utf-8-sig")
    except FileNotFoundError:
        raise AudienceError(f"There is no file {path}.", hint="Check the path.", code="not_found") from None
    except (OSError, ValueError, RuntimeError):
        raise AudienceError(
            f"{path} cannot be read as a query.", hint="It is a text in UTF-8: check it.", code="cannot_read"
        ) from None


def _statement(text: str, name: str, driver: _Driver, extra: str) -> tuple[str, bool]:
    """The query without what stands behind it, and whether its rows have an order. Raises AudienceError
    (`extra_missing`, `not_a_query`)."""
    with _needs(extra):
        import sqlglot
    try:
        tokens = sqlglot.tokenize(text, read=driver.dialect)
    except sqlglot.errors.SqlglotError:
        tokens = []
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    words, depth, ordered = [token.text.upper() for token in tokens], 0, False
    for token, word in zip(tokens, words, strict=True):
        depth += (word == "(") - (word == ")")
        ordered |= token.token_type.name == "ORDER_BY" and depth == 0
    if not words or words[0] not in _QUERIES or any(token.token_type.name == "SEMICOLON" for token in tokens):
        raise AudienceError(
            f"{name} is not one statement that reads.",
            hint="A query is a single SELECT (or WITH, FROM, VALUES, TABLE).",
            code="not_a_query",
        )
    return text[: tokens[-1].end + 1], ordered


def _unordered(name: str) -> SourceNote:
    return SourceNote(
        "unordered_query",
        f"{name} has no ORDER BY at its end: which of several members with one phone is the first or the last (--keep) "
        "is left to the database.",
    )


@contextmanager
def _needs(extra: str) -> Iterator[None]:
    """Turns a package that is missing into an error that names the extra."""
    try:
        yield
    except ImportError:
        raise AudienceError(
            f"The packages that read from {_DRIVERS[extra].title} are not installed.",
            hint=f"Install them with: pip install 'listrak-sms-cli[{extra}]'",
            code="extra_missing",
        ) from None


def _connect(database: Database, driver: _Driver) -> Any:
    """An ADBC connection. Raises AudienceError (`extra_missing`, `cannot_connect`)."""
    with _needs(database.driver):
        from adbc_driver_manager import dbapi

        package: Any = import_module(f"adbc_driver_{database.driver}")
        library = (getattr(package, "driver_path", None) or package._driver_path)()
    try:
        return dbapi.connect(driver=library, db_kwargs=driver.arguments(database), autocommit=True)
    except Exception as error:
        raise AudienceError(
            f"The database of the source {database.name} cannot be opened ({cause_of(error)}).",
            hint="Check that it runs and can be reached, and the address in the uri_file (or the environment).",
            code="cannot_connect",
        ) from None


def _prepare(cursor: Any, database: Database, driver: _Driver) -> str | None:
    """Make the session read-only; return its time zone where the driver gives times in UTC whatever it is."""
    for statement in driver.first:
        cursor.execute(statement)
    zone = None
    if database.driver == "postgresql":
        cursor.execute("SELECT current_setting('TimeZone')")
        zone = str(cursor.fetchone()[0])
    if driver.statement:
        cursor.adbc_statement.set_options(**driver.statement)
    return zone


def _in_zone(schema: pa.Schema, zone: str | None) -> pa.Schema:
    """The schema with times in the zone of the session, as an export of the database writes them."""
    if zone is None:
        return schema
    types = [
        pa.timestamp(kind.unit, zone) if pa.types.is_timestamp(kind) and kind.tz else kind for kind in schema.types
    ]
    return pa.schema([field.with_type(kind) for field, kind in zip(schema, types, strict=True)])


def _batches(name: str, reader: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception as error:
            raise _failed(name, f"ended with an error after row {rows:,}", error) from None
        rows += batch.num_rows
        yield batch if batch.schema == schema else batch.cast(schema)


def _failed(name: str, what: str, error: Exception) -> AudienceError:
    state = getattr(error, "sqlstate", None) or ""
    hint = _HINTS.get(
        state[:2],
        "Run the query with the database's own client, which says more. In SQLite all cells of a column must be of one "
        "type: CAST(column AS TEXT).",
    )
    return AudienceError(f"{name} {what} ({cause_of(error)}).", hint=hint, code="query_failed")
