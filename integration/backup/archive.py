"""The file format of backups: a zip with a manifest and its members. A checksum of the file detects any change."""

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from integration.core.errors import ConfigurationError
from integration.store.files import make_private

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE, DUMP, LOG, JOURNAL = "console.sqlite", "console.dump", "log.duckdb", "sandbox.journal"
MEMBERS = (DATABASE, DUMP, LOG, JOURNAL)
PIECE = 1_000_000  # bytes per read
MAX_MANIFEST_BYTES = 10_000_000  # largest accepted manifest, in bytes
# Exceptions of reading a damaged file, depending on where the damage is. RuntimeError: the entry says it is encrypted.
_DAMAGED = (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, RuntimeError, zlib.error)
SEAL = 64  # length of the SHA-256 in hex of all bytes before it, stored as the comment of the zip


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Describes a backup. `kind` is sqlite or postgresql. `key` is the wrapped key, or empty.

    `environment_settings` names the settings that came from the environment, which a backup does not contain.
    """

    program: str
    revision: str
    created_at: str
    kind: str
    instance: str
    events: int | None
    key: Mapping[str, Any]
    environment_settings: Sequence[str]
    members: Mapping[str, Member]
    format: int = FORMAT


def damaged_backup_error(file: Path, part: str) -> ConfigurationError:
    return ConfigurationError("backup_broken", file=file.name, part=part)


# ---- writing ---------------------------------------------------------------------------------------------------------


def write(file: Path, folder: Path, manifest_for: Callable[[Mapping[str, Member]], Manifest]) -> Manifest:
    """Write a backup of the members in a folder and return its manifest. The file is created atomically.

    `manifest_for` builds the manifest from the members. Raises FileExistsError if the file exists.
    """
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    make_private(fresh)
    try:
        with fresh.open("r+b") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                members = {name: _add_member(archive, folder / name) for name in MEMBERS if (folder / name).exists()}
                manifest = manifest_for(members)
                archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
                archive.comment = b"0" * SEAL
            out.seek(0)
            seal = _digest_of(out, fresh.stat().st_size - SEAL)
            out.seek(-SEAL, os.SEEK_END)
            out.write(seal.encode())
            out.flush()
            os.fsync(out.fileno())
        os.link(fresh, file)
    finally:
        fresh.unlink()
    return manifest


def _add_member(archive: zipfile.ZipFile, path: Path) -> Member:
    digest, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(path.name)
    entry.compress_type = zipfile.ZIP_STORED if path.name == DUMP else zipfile.ZIP_DEFLATED  # dumps are compressed
    entry.external_attr = 0o600 << 16
    with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as to:
        for piece in _pieces(source):
            digest.update(piece)
            size += len(piece)
            to.write(piece)
    return Member(size, digest.hexdigest())


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _digest_of(source: IO[bytes], size: int) -> str:
    digest = hashlib.sha256()
    while size > 0 and (piece := source.read(min(PIECE, size))):
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


# ---- reading ---------------------------------------------------------------------------------------------------------


class Archive:
    """An open backup. Every method may raise ConfigurationError `backup_broken` with the damaged part."""

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        self.file = file
        self._archive = archive
        self.manifest = self._manifest()

    def _manifest(self) -> Manifest:
        try:
            entry = self._archive.getinfo(MANIFEST)
            if entry.file_size > MAX_MANIFEST_BYTES:
                raise damaged_backup_error(self.file, MANIFEST)
            content = json.loads(self._archive.read(entry))
            if content["format"] > FORMAT:
                raise ConfigurationError("backup_too_new", file=self.file.name, program=content["program"])
            members = {
                name: Member(int(member["size"]), str(member["sha256"])) for name, member in content["members"].items()
            }
            return Manifest(**{**content, "members": members})
        except (*_DAMAGED, TypeError, AttributeError):
            raise damaged_backup_error(self.file, MANIFEST) from None

    def faults(self) -> list[str]:
        """Return the names of missing, additional and damaged members."""
        names = set(self._archive.namelist()) - {MANIFEST}
        members = self.manifest.members
        wrong = [name for name in members if not self._is_whole(name)]
        return [*wrong, *sorted(names - members.keys())]

    def _is_whole(self, name: str) -> bool:
        try:
            for _ in self._read_member(name):
                pass
        except ConfigurationError:
            return False
        return True

    def _read_member(self, name: str) -> Iterator[bytes]:
        """Yield the content of a member, never more than its recorded size. Raises at the end if it is damaged."""
        member, digest, size = self.manifest.members[name], hashlib.sha256(), 0
        try:
            with self._archive.open(name) as source:
                for piece in _pieces(source):
                    digest.update(piece)
                    size += len(piece)
                    if size > member.size:
                        break
                    yield piece
        except _DAMAGED:
            raise damaged_backup_error(self.file, name) from None
        if (size, digest.hexdigest()) != (member.size, member.sha256):
            raise damaged_backup_error(self.file, name)

    def unpack(self, folder: Path) -> None:
        """Write the known members to a folder. Other members are ignored."""
        for name in MEMBERS:
            if name in self.manifest.members:
                make_private(folder / name)
                with (folder / name).open("wb") as out:
                    for piece in self._read_member(name):
                        out.write(piece)
                    out.flush()
                    os.fsync(out.fileno())

    def unpacked_bytes(self) -> int:
        """Return the total size of the members in bytes."""
        return sum(member.size for member in self.manifest.members.values())


@contextmanager
def open_backup(file: Path) -> Iterator[Archive]:
    """Open a backup for reading. Raises ConfigurationError `backup_broken` and OSError."""
    with file.open("rb") as source:
        try:
            archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, ValueError, OverflowError, OSError, NotImplementedError):
            raise damaged_backup_error(file, "zip") from None
        with archive:
            yield Archive(file, archive)


def is_checksum_valid(file: Path) -> bool:
    """Return True if the checksum of the whole file is correct, including bytes outside the members."""
    size = file.stat().st_size - SEAL
    with file.open("rb") as source:
        digest = _digest_of(source, size) if size > 0 else ""
        return source.read(SEAL) == digest.encode()


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield a new private folder next to a path. It is removed after the block."""
    folder = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
