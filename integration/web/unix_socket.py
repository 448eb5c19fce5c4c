"""The console at a Unix socket of this machine, where a proxy of the same machine reaches it and nobody else does.

Streamlit itself listens at addresses and ports alone; its application is served here as any other. Who may open the
socket is decided by its mode and by the folder it lies in: its owner and its group.
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

NOT_OTHERS = 0o117  # a mask: its owner and its group may write to it
WAITING = 2048  # that may wait to be answered


def main() -> None:
    """Serve the console at the socket that the settings name, until it is asked to end."""
    path = load_settings().in_front.socket
    assert path is not None  # noqa: S101 - as whoever starts it has looked
    config.set_option("server.address", f"{AT_SOCKET}{path}")
    config.set_option("server.headless", True)
    sys.path.insert(0, str(SHIPPED))  # where `app.py` is
    served = uvicorn.Config(
        "app:app",
        ws="websockets-sansio",
        ws_max_size=get_max_message_size_bytes(),
        proxy_headers=False,  # nobody is believed who they are by where they come from
        access_log=False,
        use_colors=False,
        log_level="warning",
    )
    uvicorn.Server(served).run(sockets=[bound(path)])


def bound(path: Path) -> socket.socket:
    """Return a socket that listens at a path, in the place of one that an earlier server left. Raises OSError."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _answers(path):
        path.unlink()
    line, before = socket.socket(socket.AF_UNIX), os.umask(NOT_OTHERS)
    try:
        line.bind(str(path))
    finally:
        os.umask(before)
    line.listen(WAITING)
    return line


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


if __name__ == "__main__":
    main()
