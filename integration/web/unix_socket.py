"""Serves the console at a Unix socket, which only a proxy on the same machine can reach.

Streamlit listens only at addresses and ports, so its application is served here by uvicorn. The mode and the folder of
the socket decide who may open it: its owner and its group.
"""

import os
import socket
import stat
import sys
from pathlib import Path

import uvicorn
from streamlit import config
from streamlit.runtime.runtime_util import get_max_message_size_bytes

from integration.settings import AT_SOCKET, load_settings
from integration.shipped import SHIPPED

NOT_OTHERS = 0o117  # umask: owner and group may write
WAITING = 2048  # connections that may wait


def main() -> None:
    """Serve the console at the socket of the settings until the process is asked to end."""
    path = load_settings().login_proxy.socket
    assert path is not None  # noqa: S101 - as whoever starts it has looked
    config.set_option("server.address", f"{AT_SOCKET}{path}")
    config.set_option("server.headless", True)
    sys.path.insert(0, str(SHIPPED))  # the folder of `app.py`
    served = uvicorn.Config(
        "app:app",
        ws="websockets-sansio",
        ws_max_size=get_max_message_size_bytes(),
        proxy_headers=False,  # forwarded client addresses are not trusted
        access_log=False,
        use_colors=False,
        log_level="warning",
    )
    uvicorn.Server(served).run(sockets=[bind_socket(path)])


def bind_socket(path: Path) -> socket.socket:
    """Return a socket that listens at a path; replaces the socket that an earlier server left. Raises OSError."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _is_served(path):
        path.unlink()
    line, before = socket.socket(socket.AF_UNIX), os.umask(NOT_OTHERS)
    try:
        line.bind(str(path))
    finally:
        os.umask(before)
    line.listen(WAITING)
    return line


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


if __name__ == "__main__":
    main()
