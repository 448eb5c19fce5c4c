"""The file of a backup: a zip of a manifest and what it names, sealed as a whole so that any changed byte is found."""

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
PIECE = 1_000_000  # bytes that are read at once
MOST_TOLD = 10_000_000  # bytes of a manifest
# What reading a damaged file ends in, depending on where the damage is.
_DAMAGED = (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, zlib.error)
SEAL = 64  # the last signs of the file: the SHA-256 of all before them, as the comment of the zip


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup: how many bytes it has, and their SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is. `kind` is sqlite or postgresql; `key` how the key is wrapped, empty where it has none.

    `given` names the settings that the environment gave, which a backup does not have.
    """

    program: str
    revision: str
    made_at: str
    kind: str
    instance: str
    events: int | None
    key: Mapping[str, Any]
    given: Sequence[str]
    members: Mapping[str, Member]
    format: int = FORMAT


def broken(file: Path, part: str) -> ConfigurationError:
    """Return the error of a backup of which a part is not as it was written."""
    return ConfigurationError("backup_broken", file=file.name, part=part)


# ---- written ---------------------------------------------------------------------------------------------------------


def write(file: Path, folder: Path, told: Callable[[Mapping[str, Member]], Manifest]) -> Manifest:
    """Make a backup of the members that a folder has, and return its manifest. The file appears whole or not at all.

    Raises FileExistsError where it is there already.
    """
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    make_private(fresh)
    try:
        with fresh.open("r+b") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                members = {name: _added(archive, folder / name) for name in MEMBERS if (folder / name).exists()}
                manifest = told(members)
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


def _added(archive: zipfile.ZipFile, path: Path) -> Member:
    digest, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(path.name)
    entry.compress_type = zipfile.ZIP_STORED if path.name == DUMP else zipfile.ZIP_DEFLATED  # a dump is pressed already
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


# ---- read ------------------------------------------------------------------------------------------------------------


class Archive:
    """A backup that is read. Every method raises ConfigurationError `backup_broken`, naming the part, where it must."""

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        self.file = file
        self._archive = archive
        self.manifest = self._manifest()

    def _manifest(self) -> Manifest:
        try:
            entry = self._archive.getinfo(MANIFEST)
            if entry.file_size > MOST_TOLD:
                raise broken(self.file, MANIFEST)
            told = json.loads(self._archive.read(entry))
            if told["format"] > FORMAT:
                raise ConfigurationError("backup_too_new", file=self.file.name, program=told["program"])
            members = {name: Member(int(one["size"]), str(one["sha256"])) for name, one in told["members"].items()}
            return Manifest(**{**told, "members": members})
        except (*_DAMAGED, TypeError, AttributeError):
            raise broken(self.file, MANIFEST) from None

    def faults(self) -> list[str]:
        """Return the names of members that are missing, too many, or not as they were written."""
        there = set(self._archive.namelist()) - {MANIFEST}
        named = self.manifest.members
        wrong = [name for name in named if not self._is_whole(name)]
        return [*wrong, *sorted(there - named.keys())]

    def _is_whole(self, name: str) -> bool:
        try:
            for _ in self._told(name):
                pass
        except ConfigurationError:
            return False
        return True

    def _told(self, name: str) -> Iterator[bytes]:
        """Yield what a member holds; never more than the manifest says, and at the end it is what was written."""
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
            raise broken(self.file, name) from None
        if (size, digest.hexdigest()) != (member.size, member.sha256):
            raise broken(self.file, name)

    def unpack(self, folder: Path) -> None:
        """Write the members that a console has into a folder, and nothing else or elsewhere."""
        for name in MEMBERS:
            if name in self.manifest.members:
                make_private(folder / name)
                with (folder / name).open("wb") as out:
                    for piece in self._told(name):
                        out.write(piece)
                    out.flush()
                    os.fsync(out.fileno())

    def room_needed(self) -> int:
        """Return how many bytes the members take."""
        return sum(member.size for member in self.manifest.members.values())


@contextmanager
def open_backup(file: Path) -> Iterator[Archive]:
    """Give a backup to read. Raises ConfigurationError `backup_broken` and OSError."""
    with file.open("rb") as source:
        try:
            archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, ValueError, OverflowError, OSError, NotImplementedError):
            raise broken(file, "zip") from None
        with archive:
            yield Archive(file, archive)


def seal_holds(file: Path) -> bool:
    """Tell whether a backup as a whole, with what no member has a sum of, is as it was written."""
    size = file.stat().st_size - SEAL
    with file.open("rb") as source:
        found = _digest_of(source, size) if size > 0 else ""
        return source.read(SEAL) == found.encode()


@contextmanager
def place_beside(path: Path) -> Iterator[Path]:
    """Give a folder beside a path, its owner's alone, that is gone after the block."""
    folder = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
