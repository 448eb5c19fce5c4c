"""The log for programs and browsers outside the pages: they ask the server that owns it, with proof that they may."""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from integration.core.errors import IntegrationError
from integration.log.client import ANNOUNCED
from integration.services.log import Log

TICKET_SECONDS = 12 * 3600
FILES = ("log.csv", "log.parquet")


class LogAccess:
    """What the server answers about the log it owns, for the token of this start or for a ticket of a page."""

    def __init__(self, log: Log, data: Path) -> None:
        self._log = log
        self._file = data / ANNOUNCED
        self._token = ""
        self._ticket_key = secrets.token_bytes(32)

    def announce(self, address: str) -> None:
        """Tell programs of this user on this machine where this server answers questions to the log it owns.

        Written to `server.json` beside the databases, with a token of this start, readable by its owner alone, and
        removed at the end.
        """
        self._token = secrets.token_urlsafe(32)
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - mode at birth
            json.dump({"address": address, "token": self._token}, out)
        fresh.replace(self._file)

    def close(self) -> None:
        """Answer nobody any more."""
        if self._token:
            self._token = ""
            self._file.unlink(missing_ok=True)

    def answer(self, body: bytes, token: str) -> tuple[int, bytes]:
        """Answer a program's question to the log: HTTP status and JSON.

        `body` is `{"sql": ..., "rows": ...}` for a question, `{"export": path}` to write the log to a file of this
        machine. 200 with `columns`, `rows` and `cut`, or with `events`; 403 without the token of this start; 400 for
        what is no question; 422 with `error` and `facts` for one that cannot be answered.
        """
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            return 403, b'{"error": "token"}'
        try:
            asked = json.loads(body)
            if "export" in asked:
                answer: dict[str, Any] = {"events": self._log.export(Path(asked["export"]))}
            else:
                answer = self._log.answer(str(asked["sql"]), rows=int(asked["rows"]))
        except IntegrationError as error:
            return 422, json.dumps({"error": error.code, "facts": dict(error.facts)}).encode()
        except OSError as error:
            return 422, json.dumps({"error": "file", "facts": {"reason": error.strerror or ""}}).encode()
        except (ValueError, TypeError, KeyError):
            return 400, b'{"error": "question"}'
        return 200, json.dumps(answer, default=str, ensure_ascii=False).encode()

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
        if not good or int(until) < time.time() or name not in FILES:
            return None
        handle, place = tempfile.mkstemp(suffix=f"-{name}")
        os.close(handle)
        try:
            self._log.export(Path(place))
        except BaseException:
            Path(place).unlink()
            raise
        return Path(place)

    def _signed(self, until: str) -> str:
        return hmac.new(self._ticket_key, until.encode(), hashlib.sha256).hexdigest()
