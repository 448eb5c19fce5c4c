"""Addresses: which of them are this machine's own, and what can be one at all."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST = 2_000  # characters
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address of the web that can be asked."""

    scheme: str
    host: str
    port: int | None
    path: str
    bare: bool  # whether it has no name of a user, no query and no fragment

    @property
    def is_safe(self) -> bool:
        """Whether a secret may go there: encrypted, or on this machine."""
        return self.scheme == "https" or self.host in LOOPBACK

    @property
    def place(self) -> str:
        """Scheme and host, without the port."""
        return f"{self.scheme}://[{self.host}]" if ":" in self.host else f"{self.scheme}://{self.host}"

    def __str__(self) -> str:
        return f"{self.place}{'' if self.port is None else f':{self.port}'}{self.path}"


def parsed(url: object) -> Address | None:
    """Return the parts of an address, or None for what is none: of another scheme, host or port than there can be."""
    text = str(url).strip()
    if len(text) > LONGEST or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
        return None
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    return Address(parts.scheme, host, port, parts.path, bare)
