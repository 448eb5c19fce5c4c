"""Stores the place (machine and path, or server and database) that an installation is bound to."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from integration.core.installation import ADAPTERS, InstallationPlace
from integration.store.database import Database, Store, upsert
from integration.store.settings import group, put_in
from integration.store.tables import settings

RECORD = "installation"
MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
ADAPTER_FOLDER = Path("/sys/class/net")  # Linux: https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-net
PERMANENT = "0"  # NET_ADDR_PERM
WINDOWS_KEY, WINDOWS_VALUE = r"SOFTWARE\Microsoft\Cryptography", "MachineGuid"


class InstallationStore(Store):
    """Stores the place that the installation is bound to."""

    def bound_place(self) -> InstallationPlace | None:
        """Return the place this database is bound to, or None before the first start."""
        value = self.database.scalar(sa.select(settings.c.value).where(settings.c.name == RECORD))
        parts = group(value).get("place")
        return InstallationPlace(parts) if isinstance(parts, dict) else None

    def bind(self, place: InstallationPlace, by: str) -> None:
        """Bind the installation to a place. The audit log names the person."""
        with self.database.write() as connection:
            put_in(connection, self.clock(), RECORD, _value(place), by)

    def bind_first(self, place: InstallationPlace) -> None:
        """Bind at the first start, and add parts that a restore removed. Existing parts are never changed."""
        bound = self.bound_place()
        if bound is None or (not place.changed_parts(bound) and place != bound):
            now = self.clock()
            with self.database.write() as connection:
                _write(connection, now, place)


def forget_inode(connection: sa.Connection, now: datetime) -> None:
    """Remove the inode from the bound place, so that a restored file on the same machine and path is accepted."""
    value = connection.execute(sa.select(settings.c.value).where(settings.c.name == RECORD)).scalar()
    parts = group(value).get("place")
    if isinstance(parts, dict):
        _write(connection, now, InstallationPlace({name: part for name, part in parts.items() if name != "inode"}))


def _write(connection: sa.Connection, now: datetime, place: InstallationPlace) -> None:
    upsert(connection, settings, [{"name": RECORD, "value": _value(place), "by": "", "changed_at": now}])


def _value(place: InstallationPlace) -> Mapping[str, object]:
    return {"place": dict(place.parts)}


def read_place(database: Database) -> InstallationPlace:
    """Return the place of a database.

    For a file: hashes of the machine id and of the network adapters, the path and the inode. For PostgreSQL: the system
    identifier of initdb (`pg_control_system`, which a server may refuse) and the name of the database.
    """
    address = database.engine.url
    if address.get_backend_name() == "postgresql":
        name = str(database.scalar(sa.select(sa.func.current_database())))
        parts = {"server": _system_identifier(database), "database": name}
    else:
        file = Path(address.database or "").resolve()
        parts = {"machine": _hash(_machine_id()), "path": str(file), "inode": str(file.stat().st_ino or "")}
        parts[ADAPTERS] = ",".join(map(_hash, permanent_addresses()))
    return InstallationPlace({name: part for name, part in parts.items() if part})


def _system_identifier(database: Database) -> str:
    """Return the system identifier, or an empty string if the database user has no right to read it."""
    query = sa.select(sa.text("system_identifier")).select_from(sa.text("pg_control_system()"))
    with suppress(sa.exc.ProgrammingError):
        return str(database.scalar(query))
    return ""


def _hash(text: str) -> str:
    """Return a hash of a machine's identity, so that the identity itself is not stored. Empty for an empty text."""
    return hashlib.sha256(f"sluis {text}".encode()).hexdigest()[:16] if text else ""


def permanent_addresses(folder: Path = ADAPTER_FOLDER) -> list[str]:
    """Return the permanent addresses of the network adapters, or an empty list if the platform does not report them.

    Adapters without a device (bridges, tunnels, containers) and addresses that a program chose are left out.
    """
    addresses = set()
    for adapter in folder.glob("*"):
        with suppress(OSError):
            is_permanent = (adapter / "addr_assign_type").read_text(encoding="ascii").strip() == PERMANENT
            if is_permanent and (adapter / "device").exists():
                addresses.add((adapter / "address").read_text(encoding="ascii").strip())
    return sorted(addresses)


def _machine_id() -> str:
    for file in MACHINE_ID_FILES:
        with suppress(OSError):
            if text := file.read_text(encoding="ascii", errors="replace").strip():
                return text
    try:
        import winreg  # noqa: PLC0415 - Windows alone has it
    except ImportError:
        return ""
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, WINDOWS_KEY) as key:  # type: ignore[attr-defined,unused-ignore]
        return str(winreg.QueryValueEx(key, WINDOWS_VALUE)[0])  # type: ignore[attr-defined,unused-ignore]
