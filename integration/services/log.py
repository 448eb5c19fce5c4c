"""The log, as it is asked from pages, terminal and other programs."""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from integration.core.errors import IntegrationError
from integration.log.client import ANNOUNCED
from integration.log.logbook import BATCH, Logbook, table_of
from integration.store.events import Events

TICKET_SECONDS = 12 * 3600


class Log:
    """The log."""

    def __init__(self, logbook: Logbook, events: Events, data: Path, closing: ExitStack, *, serves: bool) -> None:
        self.logbook = logbook
        self.events = events
        self.serves = serves
        self._data = data
        self._closing = closing
        self._log_token = ""
        self._ticket_key = secrets.token_bytes(32)

    def start(self) -> None:
        """Start what fills the log."""
        if self.serves:
            self.logbook.start(self.events)
            self._closing.callback(self.logbook.stop)

    def ask(self, sql: str, rows: int = 10_000) -> dict[str, Any]:
        """Return the answer of the log to a question in SQL: column names and rows."""
        self._bring_log_up()
        return table_of(self.logbook.ask(sql, rows=rows))

    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        self._bring_log_up()
        return self.logbook.export(path)

    def ticket(self) -> str:
        """Return what a browser shows to be given the whole log as a file, for half a day."""
        until = str(int(time.time()) + TICKET_SECONDS)
        return f"{until}.{self._signed(until)}"

    def exported(self, name: str, ticket: str) -> Path | None:
        """Return the whole log as a new file of its own for `log.csv` or `log.parquet`; None without a valid ticket.

        Whoever asks removes the file.
        """
        until, _, signed = ticket.partition(".")
        good = hmac.compare_digest(signed.encode(), self._signed(until).encode())
        if not good or int(until) < time.time() or name not in ("log.csv", "log.parquet"):
            return None
        handle, place = tempfile.mkstemp(suffix=f"-{name}")
        os.close(handle)
        try:
            self.logbook.export(Path(place))
        except BaseException:
            Path(place).unlink()
            raise
        return Path(place)

    def _signed(self, until: str) -> str:
        return hmac.new(self._ticket_key, until.encode(), hashlib.sha256).hexdigest()

    def _bring_log_up(self) -> None:
        """Move what waits into the log, where no server process does it."""
        while not self.serves and self.logbook.drain(self.events) == BATCH:
            pass

    def announce(self, address: str) -> None:
        """Tell programs of this user on this machine where this server answers questions to the log it owns.

        Written to `server.json` beside the databases, with a token of this start, readable by its owner alone, and
        removed at the end.
        """
        self._log_token = secrets.token_urlsafe(32)
        file = self._data / ANNOUNCED
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - mode at birth
            json.dump({"address": address, "token": self._log_token}, out)
        fresh.replace(file)
        self._closing.callback(file.unlink, missing_ok=True)

    def answer(self, body: bytes, token: str) -> tuple[int, bytes]:
        """Answer a program's question to the log: HTTP status and JSON.

        `body` is `{"sql": ..., "rows": ...}` for a question, `{"export": path}` to write the log to a file of this
        machine. 200 with `columns`, `rows` and `cut`, or with `events`; 403 without the token of this start; 400 for
        what is no question; 422 with `error` and `facts` for one that cannot be answered.
        """
        if not self._log_token or not hmac.compare_digest(token.encode(), self._log_token.encode()):
            return 403, b'{"error": "token"}'
        try:
            asked = json.loads(body)
            if "export" in asked:
                answer: dict[str, Any] = {"events": self.export(Path(asked["export"]))}
            else:
                answer = self.ask(str(asked["sql"]), rows=int(asked["rows"]))
        except IntegrationError as error:
            return 422, json.dumps({"error": error.code, "facts": dict(error.facts)}).encode()
        except OSError as error:
            return 422, json.dumps({"error": "file", "facts": {"reason": error.strerror or ""}}).encode()
        except (ValueError, TypeError, KeyError):
            return 400, b'{"error": "question"}'
        return 200, json.dumps(answer, default=str, ensure_ascii=False).encode()
