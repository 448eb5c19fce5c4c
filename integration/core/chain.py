"""The hash chain of the audit log: each line seals one entry and holds the hash of the line before it.

This file needs nothing but Python 3.11, and is a program as well: it verifies a file that the console exported.

    python verify_audit.py audit.jsonl [--head NUMBER:HASH ...]

A line is `{"entry":{...},"key":"...","seal":"..."}`, in canonical JSON (RFC 8785). Its entry has a number `seq`, which
counts from 1 without a gap, and `previous`, the SHA-256 of the whole line before it. `seal` is an HMAC of the entry
under a key of the console, which is not in the file. The last line of a file is its head: number and SHA-256 of the
last entry. A person who rewrites a file from some entry on changes every later hash, and so every head that was sent
to somebody: pass such a head with `--head`.
"""

import argparse
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

START = "0" * 64  # the `previous` of the first entry
LINE = re.compile(rb'\{"entry":(\{.+\}),"key":"([0-9a-f]{16})?","seal":"([0-9a-f]{64})?"\}')
HEAD = re.compile(
    rb'(\{"head":\{"hash":"([0-9a-f]{64})","seq":(\d{1,18})\},"key":"\w*","seal":"\w*"),"sum":"([0-9a-f]{64})"\}'
)


@dataclass(frozen=True, slots=True)
class Head:
    """Head of a chain: the number of its last entry, and the hash of that line."""

    seq: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class Break:
    """The first fault of a chain, and the number of the entry where it begins.

    `altered`: the content is not what was written. `missing`: entries are gone in the middle. `cut`: entries are gone
    at the end. `rewritten`: from this entry on the history differs from a head that was known before. `added`: there
    are more entries than the head says. `unsealed`, `key_unknown`: the entry was written without a key of the
    console, or with a key that is not known here. `head_altered`: the head is not what was written.
    """

    fault: str
    seq: int


def digest(line: bytes) -> str:
    """Return the SHA-256 of a line, which is the `previous` of the next entry."""
    return hashlib.sha256(line).hexdigest()


def entry_hash(content: bytes, key: bytes) -> str:
    """Return the seal (HMAC-SHA-256) of an entry or of a head."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def canonical_line(entry: bytes, key_id: str, key: bytes) -> bytes:
    """Return the line of an entry in canonical JSON. Without a key the seal is empty."""
    seal = entry_hash(entry, key) if key else ""
    return b'{"entry":%b,"key":"%b","seal":"%b"}' % (entry, key_id.encode(), seal.encode())


def head_text(head: Head) -> bytes:
    """Return the bytes of a head that its seal covers."""
    return b'{"head":{"hash":"%b","seq":%d}}' % (head.hash.encode(), head.seq)


def last_line(head: Head, key_id: str, seal: str) -> bytes:
    """Return the last line of an exported file, which holds the head."""
    line = b'%b,"key":"%b","seal":"%b"' % (head_text(head)[:-1], key_id.encode(), seal.encode())
    return b'%b,"sum":"%b"}' % (line, digest(line).encode())


class AuditChain:
    """Verifies a chain line by line, from its beginning or after a head that was verified before.

    Checks the seals if `keys` (by key id) are given.
    """

    def __init__(self, keys: Mapping[str, bytes] | None = None, after: Head | None = None) -> None:
        self._keys = keys
        self.head = after or Head()

    def verify_next(self, line: bytes) -> Break | None:
        """Verify the next line. Return the fault of this line or of the line before it, or None."""
        seq = self.head.seq + 1
        match = LINE.fullmatch(line)
        if match is None:
            return Break("altered", seq)
        entry, key, seal = match[1], (match[2] or b"").decode(), (match[3] or b"").decode()
        if wrong := self._wrong(entry, key, seal):
            return Break(wrong, seq)
        try:
            fields = json.loads(entry)
        except ValueError:
            return Break("altered", seq)
        if fields.get("seq") != seq:
            return Break("missing", seq)
        if fields.get("previous") != self.head.hash:
            return Break("altered" if self._keys is None else "rewritten", max(self.head.seq, 1))
        self.head = Head(seq, digest(line))
        return None

    def _wrong(self, entry: bytes, key: str, seal: str) -> str:
        """Return the fault of a seal, or an empty text."""
        if self._keys is None:
            return ""
        if not key:
            return "unsealed"
        if key not in self._keys:
            return "key_unknown"
        return "" if hmac.compare_digest(entry_hash(entry, self._keys[key]), seal) else "altered"

    def verify_end(self, head: Head) -> Break | None:
        """Return the fault at the end of the verified chain, given the head that it should have, or None."""
        if head.seq > self.head.seq:
            return Break("cut", self.head.seq + 1)
        if head.seq < self.head.seq:
            return Break("added", head.seq + 1)
        return None if head.hash == self.head.hash else Break("altered", max(head.seq, 1))

    def verify_head_seal(self, head: Head, key: str, seal: str) -> Break | None:
        """Return the fault of the seal of a head, or None."""
        wrong = self._wrong(head_text(head), key, seal)
        return Break("head_altered" if wrong == "altered" else wrong, head.seq) if wrong else None


def verify_lines(lines: Iterable[bytes], heads: Iterable[Head] = ()) -> tuple[Head, Break | None]:
    """Verify the lines of a file. Return the last valid head and the first fault; `heads` were known before."""
    chain, known_hashes, last = AuditChain(), {known_head.seq: known_head.hash for known_head in heads}, None
    for line in lines:
        if last is not None:
            return chain.head, Break("added", chain.head.seq + 1)
        last = HEAD.fullmatch(line)
        if last is None:
            if (broken := chain.verify_next(line)) is not None:
                return chain.head, broken
            if known_hashes.get(chain.head.seq, chain.head.hash) != chain.head.hash:
                return chain.head, Break("rewritten", chain.head.seq)
    if last is None:
        return chain.head, Break("cut", chain.head.seq + 1)
    head = Head(int(last[3]), last[2].decode())
    if digest(last[1]) != last[4].decode():
        return chain.head, Break("head_altered", head.seq)
    beyond = min((seq for seq in known_hashes if seq > chain.head.seq), default=0)
    return chain.head, chain.verify_end(head) or (Break("cut", chain.head.seq + 1) if beyond else None)


SENTENCES = {
    "altered": "Entry {seq} is not what was written.",
    "missing": "Entries are missing from number {seq} on.",
    "cut": "The end is missing: entries from number {seq} on.",
    "added": "The file has more entries than its head says: from entry {seq} on.",
    "rewritten": "Entry {seq} or an earlier one differs from the history whose head was sent to you.",
    "head_altered": "The last line, the head for entry {seq}, is not what was written.",
}


def main(argv: list[str]) -> int:
    """Verify the file named on the command line, print the result, and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify an exported audit log.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--head", action="append", default=[], help="a head that was sent to you, as NUMBER:HASH")
    options = parser.parse_args(argv)
    heads = [Head(int(seq), hash_text.lower()) for seq, hash_text in (pair.split(":") for pair in options.head)]
    with options.file.open("rb") as file:
        head, broken = verify_lines((line.removesuffix(b"\n") for line in file), heads)
    if broken is not None:
        sys.stdout.write(f"BROKEN. {SENTENCES[broken.fault].format(seq=broken.seq)}\n")
        return 1
    sys.stdout.write(f"Intact: {head.seq} entries. Head {head.seq}:{head.hash}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
