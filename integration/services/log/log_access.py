"""Access to the log of a server: for programs of the same machine, and for downloads in browsers."""

import hmac
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.core.authorization import requires
from integration.core.erasure import person_from_json
from integration.core.errors import IntegrationError
from integration.core.people import Actor, Right
from integration.log.client import SERVER_FILE
from integration.services.log.download_tokens import DownloadTokens
from integration.services.log.log import Log

FILES = ("log.csv", "log.parquet")


class LogAccess:
    """Answers queries to the log that this server owns, given the token of this start or a download token."""

    def __init__(self, log: Log, data: Path, address: str) -> None:
        """Store the dependencies. `address` is the configured address of the console, empty if there is none."""
        self._log = log
        self._data = data
        self._address = address
        self._file = data / SERVER_FILE
        self._token = ""
        self._download_tokens = DownloadTokens()
        self._exports = data / "exports"

    def announce(self, address: str, socket: str = "") -> None:
        """Publish the address of this server for programs of the same user on this machine.

        `socket` is the path of the Unix socket at that address. The address is written to `server.json` beside the
        databases, with a token of this start. Only its owner can read the file, and `close` removes it.
        """
        shutil.rmtree(self._exports, ignore_errors=True)  # left behind by a killed server
        self._token = secrets.token_urlsafe(32)
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - mode at birth
            json.dump({"address": address, "socket": socket, "token": self._token}, out)
        fresh.replace(self._file)

    @property
    @requires(Right.SEE)
    def data(self) -> Path:
        """The data folder of this installation."""
        return self._data

    @property
    @requires(Right.SEE)
    def place(self) -> str:
        """The address of the console: as configured, else of the running server of this folder, else empty."""
        if self._address:
            return self._address
        try:
            return str(json.loads(self._file.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError):
            return ""

    def close(self) -> None:
        """Invalidate the token, and remove the published address and the exports."""
        if self._token:
            self._token = ""
            self._file.unlink(missing_ok=True)
            shutil.rmtree(self._exports, ignore_errors=True)

    def knows(self, token: str) -> bool:
        """Return True if this is the token of this start."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token.encode())

    @requires(Right.ASK_SQL)
    def answer(self, body: bytes, token: str) -> tuple[int, bytes]:
        """Answer a program's query to the log: HTTP status and JSON.

        `body` is `{"sql": ..., "rows": ...}` for a query, `{"export": path}` to write the log to a file of this
        machine, `{"copy": path, ...}` to write a log for a copy of the database, `{"due": moment}` to count and
        `{"prune": moment}` to delete events before a moment, and `{"erase": person}` and `{"events_about": person}` for
        a data subject. Returns 200 with `columns`, `rows` and `cut`, or with `events`; 403 without the token of this
        start; 400 for an invalid query; 422 with `error` and `facts` for a query that cannot be answered.
        """
        if not self.knows(token):
            return 403, b'{"error": "token"}'
        try:
            request = json.loads(body)
            answer = self._answer(request)
        except IntegrationError as error:
            return 422, json.dumps({"error": error.code, "facts": dict(error.facts)}).encode()
        except OSError as error:
            return 422, json.dumps({"error": "file", "facts": {"reason": error.strerror or ""}}).encode()
        except (ValueError, TypeError, KeyError):
            return 400, b'{"error": "query"}'
        return 200, json.dumps(answer, default=str, ensure_ascii=False).encode()

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "export" in request:
            return {"events": self._log.export(Path(request["export"]))}
        for name, work in (("due", self._log.count_events_before), ("prune", self._log.prune)):
            if name in request:
                return {"events": work(datetime.fromisoformat(request[name]))}
        if "erase" in request:
            return {"events": self._log.erase(person_from_json(request["erase"]))}
        if "events_about" in request:
            return {"events": self._log.events_about(person_from_json(request["events_about"]))}
        if "copy" in request:
            waiting = [(int(first), int(last)) for first, last in request["waiting"]]
            place, instance, until = Path(request["copy"]), str(request["instance"]), int(request["until"])
            return {"events": self._log.copy(place, instance=instance, until=until, waiting=waiting)}
        return self._log.answer(str(request["sql"]), rows=int(request["rows"]))

    @requires(Right.EXPORT_LOG)
    def download_token(self, by: Actor) -> str:
        """Return a token with which the actor's browser can download the whole log once, within minutes."""
        return self._download_tokens.issue(by)

    def redeem(self, name: str, download_token: str) -> Actor | None:
        """Return the actor of a valid download token for this file of the log, or None.

        The token is invalid afterwards.
        """
        return self._download_tokens.redeem(download_token) if name in FILES else None

    @requires(Right.EXPORT_LOG)
    def exported(self, name: str) -> Path:
        """Return the whole log as a new file for `log.csv` or `log.parquet`. The caller deletes the file."""
        self._exports.mkdir(mode=0o700, exist_ok=True)
        handle, place = tempfile.mkstemp(suffix=f"-{name}", dir=self._exports)
        os.close(handle)
        try:
            self._log.export(Path(place))
        except BaseException:
            Path(place).unlink()
            raise
        return Path(place)
