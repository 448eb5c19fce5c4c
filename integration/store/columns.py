"""Column types for text, JSON and times that behave the same in SQLite and PostgreSQL."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

REPLACEMENT = "\ufffd"
MAX_RECENT = 16  # times whose stored form is cached


class TextColumn(TypeDecorator[str]):
    """Text that both databases sort by code point.

    Characters that PostgreSQL cannot store (NUL, unpaired surrogates) are replaced, so that one invalid name does not
    block the page it is on.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Return the text type without a language-specific collation."""
        return dialect.type_descriptor(sa.Text(collation="C") if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Return the text in a form that both databases can store."""
        return _storable_text(value)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], str | None]:  # noqa: ARG002
        """Return the conversion itself, without a call of the type for each value, because a page has thousands."""
        return _storable_text


def _storable_text(value: str | None) -> str | None:
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", REPLACEMENT).encode("utf-8", "replace").decode()


def _plain_text(value: object) -> str:
    """Return a text of a class of ours as a plain one. Raises TypeError for any other value."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"no JSON value: {type(value).__name__}")


_encode_json = msgspec.json.Encoder(enc_hook=_plain_text).encode
_decode_json = msgspec.json.Decoder().decode


def _as_json(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return _encode_json(value).decode()
    except UnicodeEncodeError:  # an unpaired surrogate, which only an escape sequence can hold
        return json.dumps(value, separators=(",", ":"))


def _from_json(value: str | None) -> Any:
    if value is None:
        return None
    try:
        return _decode_json(value)
    except msgspec.DecodeError:  # likewise
        return json.loads(value)


class Json(TypeDecorator[Any]):
    """A value as JSON text with the same bytes in both databases."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Return the JSON text. None is stored as NULL."""
        return _as_json(value)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], str | None]:  # noqa: ARG002
        """Return the conversion itself, without a call of the type for each value."""
        return _as_json

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """Return the parsed value."""
        return _from_json(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[str | None], Any]:  # noqa: ARG002
        """Return the conversion itself, without a call of the type for each value."""
        return _from_json


class Moment(TypeDecorator[datetime]):
    """A time with time zone, in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC. Raises ValueError for a time without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value!r}")
        return value.astimezone(UTC)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], Any] | None:
        """Return the conversion, with a cache for times in UTC: all rows of a page have the same time.

        Times of another zone are not cached, because both times of a repeated hour are equal.
        """
        convert = super().bind_processor(dialect)
        if convert is None:
            return None
        recent = lru_cache(MAX_RECENT)(convert)
        return lambda value: recent(value) if value is None or value.tzinfo is UTC else convert(value)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC, with its time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Return the conversion, without a call of the type for each text of SQLite."""
        return _moment_of if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def text_column(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    """Return a text column that is not nullable."""
    return sa.Column(name, TextColumn, primary_key=primary_key, nullable=False)


def number_column(name: str, *, primary_key: bool = False) -> sa.Column[int]:
    """Return an integer column that is not nullable."""
    return sa.Column(name, sa.BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite autoincrements only INTEGER columns
