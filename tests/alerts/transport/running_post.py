"""A shared sending process for tests of messages: it reads a hundred plug-ins when it starts."""

import subprocess
import sys
from collections.abc import Mapping
from threading import Lock

from integration.alerts.transport.post import PROGRAM, ChannelRoute, Post


class RunningPost(Post):
    """Sends all messages through one process, begun at the first of them, without a time limit."""

    def __init__(self, way: ChannelRoute) -> None:
        super().__init__(way)
        self._process: subprocess.Popen[str] | None = None
        self._send_lock = Lock()

    def _exchange(self, lines: str, environment: Mapping[str, str]) -> str:
        with self._send_lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "integration.alerts.transport"], cwd=PROGRAM, env=environment,
                    encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(lines)
            self._process.stdin.flush()
            return "".join(self._process.stdout.readline() for _ in lines.splitlines())

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
