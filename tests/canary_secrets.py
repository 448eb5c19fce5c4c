"""Recognisable secrets, and the search for them."""

import base64
import binascii
import html
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pyarrow.parquet as pq

WRONG_TILL_SECRET = "planted/till secret+é&<"
WRONG_CLIENT_SECRET = "planted-client-secret"
WRONG_REFRESH_TOKEN = "planted-refresh-token"
DATABASE_PASSWORD = "planted-database-password"
UNENCODED_PASSWORD = ("planted-until-the-sign", "planted-behind-the-sign")  # what an @ in it makes of a password
CONSOLE_KEY = "planted-console-key"


def forms(secret: str) -> set[bytes]:
    """Return the forms of a secret in an address, a form, XML, JSON or text."""
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), escape(secret), repr(secret)[1:-1]}
    for as_ascii in (True, False):  # as the standard library writes JSON, and as orjson does
        in_json = json.dumps(secret, ensure_ascii=as_ascii)[1:-1]
        texts |= {in_json, re.sub("[<>/]", lambda sign: f"\\u{ord(sign[0]):04x}", in_json)}  # the second inside HTML
    return {text.encode() for text in texts} | {secret.encode("unicode_escape")}


def find_secrets(secrets: Iterable[str], content: bytes) -> list[str]:
    """Return the secrets that a content holds in any form."""
    return [secret for secret in secrets if any(form in content for form in forms(secret))]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of every file of a folder, and the decoded values of SQLite and Parquet files."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:  # before SQLite is opened, which clears up what a kill left
        yield path.name, path.read_bytes()
    for path in files:
        if path.suffix == ".sqlite":
            yield f"{path.name} decoded", b"\n".join(_database_values(path))
        if path.suffix == ".parquet":
            yield f"{path.name} decoded", repr(pq.read_table(path).to_pylist()).encode()


def _database_values(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names from the database itself
                for value in row:
                    yield from _encodings(value)


def _encodings(value: object) -> Iterator[bytes]:
    raw = value if isinstance(value, bytes) else str(value).encode()
    yield raw
    try:
        yield base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return


def command_lines() -> Iterator[bytes]:
    """Yield the command line of every process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:  # it has ended
            continue


# ---- how an answer may spell what it was told


def _encode_signs(secret: str, form: Callable[[str], str]) -> str:
    return "".join(form(sign) for sign in secret)


def _json_escape(secret: str) -> str:
    return json.dumps(secret)[1:-1]


def _pack(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "in capitals": lambda secret: secret.upper(),
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in small letters": lambda secret: quote(secret, safe="").lower(),
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "percent-encoded thrice": lambda secret: quote(quote(quote(secret, safe=""), safe=""), safe=""),
    "every byte percent-encoded": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "in a form": quote_plus,
    "in a form, encoded once more": lambda secret: quote(quote_plus(secret), safe=""),
    "in JSON": _json_escape,
    "in JSON with slashes": lambda secret: _json_escape(secret).replace("/", "\\/"),
    "in JSON inside HTML": lambda secret: re.sub("[<>&/]", lambda sign: f"\\u{ord(sign[0]):04x}", _json_escape(secret)),
    "in JSON inside JSON": lambda secret: _json_escape(_json_escape(secret).replace("/", "\\/")),
    "every sign escaped": lambda secret: re.sub("(....)", r"\\\\u\1", secret.encode("utf-16-be").hex()),
    "percent-encoded in JSON": lambda secret: _json_escape(quote(secret, safe="")).replace("%", "\\u0025"),
    "in HTML": html.escape,
    "in HTML twice": lambda secret: html.escape(html.escape(secret)),
    "by numbers": lambda secret: _encode_signs(secret, lambda sign: f"&#{ord(sign)};"),
    "by hexadecimal numbers": lambda secret: _encode_signs(secret, lambda sign: f"&#x{ord(sign):X};"),
    "HTML of percents": lambda secret: quote(secret, safe="").replace("%", "&#37;"),
    "in Python": lambda secret: repr(secret.encode())[2:-1],
    "in base64": lambda secret: _pack(secret.encode()),
    "in base64 for addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "in base64 behind a name": lambda secret: _pack(f"somebody:{secret}".encode()),
    "in base64 twice": lambda secret: _pack(_pack(secret.encode()).encode()),
    "in base64 in an address": lambda secret: quote(_pack(secret.encode()), safe=""),
    "in hexadecimal digits": lambda secret: secret.encode().hex(),
    "cut off": lambda secret: secret[: len(secret) * 2 // 3],
    "cut off in the middle of a sign": lambda secret: quote(secret, safe="")[: len(quote(secret, safe="")) * 2 // 3],
    "cut off with dots": lambda secret: f"{secret[: len(secret) // 2]}...",
    "cut off in base64": lambda secret: _pack(secret.encode())[: len(secret)],
}


def spellings_of(secret: str) -> dict[str, str]:
    """Return a secret in every spelling."""
    return {name: spelling(secret) for name, spelling in SPELLINGS.items()}
