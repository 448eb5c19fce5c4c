"""The hash chain of the audit log, and the program that verifies an exported file."""

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from integration.core import chain
from integration.core.chain import (
    AuditChain,
    Break,
    Head,
    canonical_line,
    digest,
    entry_hash,
    head_text,
    last_line,
    main,
    verify_lines,
)

KEY, ID = b"k" * 32, "0123456789abcdef"
KEYS = {ID: KEY}


def entry(seq: int, previous: str, **fields: object) -> bytes:
    return json.dumps(
        {"action": "approved", "previous": previous, "seq": seq, **fields}, separators=(",", ":")
    ).encode()


def lines_of(number: int, key: bytes = KEY, after: Head | None = None, **fields: object) -> list[bytes]:
    lines, head = [], after or Head()
    for _ in range(number):
        lines.append(canonical_line(entry(head.seq + 1, head.hash, **fields), ID if key else "", key))
        head = Head(head.seq + 1, digest(lines[-1]))
    return lines


def head_of(lines: Sequence[bytes]) -> Head:
    return Head(len(lines), digest(lines[-1]))


def with_last_line(lines: Sequence[bytes]) -> list[bytes]:
    """Return the lines of a file."""
    head = head_of(lines)
    return [*lines, last_line(head, ID, entry_hash(head_text(head), KEY))]


def find_break(lines: Sequence[bytes], keys: Mapping[str, bytes] | None) -> Break | None:
    to = AuditChain(keys)
    return next((chain_break for chain_break in map(to.verify_next, lines) if chain_break is not None), None)


LINES = lines_of(5)


def test_a_whole_chain_is_followed_to_its_head() -> None:
    to = AuditChain(KEYS)
    assert [to.verify_next(line) for line in LINES] == [None] * 5
    assert to.head == head_of(LINES)
    assert to.verify_end(head_of(LINES)) is None
    assert to.verify_head_seal(to.head, ID, entry_hash(head_text(to.head), KEY)) is None


def test_a_chain_goes_on_from_a_head_that_was_verified_before() -> None:
    to = AuditChain(KEYS, head_of(LINES))
    assert to.verify_next(lines_of(1, after=head_of(LINES))[0]) is None


def with_line(at: int, line: bytes) -> list[bytes]:
    return [*LINES[: at - 1], line, *LINES[at:]]


FORGED = canonical_line(entry(3, digest(LINES[1]), by="somebody"), ID, b"x" * 32)
OTHER = lines_of(5, by="of another day")


@pytest.mark.parametrize(
    ("lines", "with_key", "without"),
    [
        (with_line(3, FORGED), Break("altered", 3), Break("altered", 3)),
        (with_line(3, b"nothing of ours"), Break("altered", 3), Break("altered", 3)),
        (with_line(3, canonical_line(b'{"seq":3,}', ID, KEY)), Break("altered", 3), Break("altered", 3)),
        ([*LINES[:2], *LINES[3:]], Break("missing", 3), Break("missing", 3)),
        (LINES[1:], Break("missing", 1), Break("missing", 1)),
        (with_line(3, OTHER[2]), Break("rewritten", 2), Break("altered", 2)),
        ([OTHER[0], *LINES[1:]], Break("rewritten", 1), Break("altered", 1)),
        (
            with_line(3, canonical_line(entry(3, digest(LINES[1])), "f" * 16, KEY)),
            Break("key_unknown", 3),
            Break("altered", 3),
        ),
        (lines_of(5, key=b""), Break("unsealed", 1), None),
        ([*LINES[:2], *lines_of(3, key=b"", after=head_of(LINES[:2]))], Break("unsealed", 3), None),
    ],
)
def test_what_is_wrong_is_named_with_the_entry(
    lines: list[bytes], with_key: Break | None, without: Break | None
) -> None:
    assert find_break(lines, KEYS) == with_key
    assert find_break(lines, None) == without


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (Head(6, "a" * 64), Break("cut", 6)),
        (Head(4, digest(LINES[3])), Break("added", 5)),
        (Head(5, "a" * 64), Break("altered", 5)),
    ],
)
def test_the_end_is_held_against_the_head(head: Head, expected: Break) -> None:
    to = AuditChain(KEYS)
    for line in LINES:
        to.verify_next(line)
    assert to.verify_end(head) == expected


def test_a_head_written_without_the_key_is_detected() -> None:
    to = AuditChain(KEYS, head_of(LINES))
    assert to.verify_head_seal(to.head, ID, "a" * 64) == Break("head_altered", 5)
    assert to.verify_head_seal(to.head, "", "") == Break("unsealed", 5)


FILE = with_last_line(LINES)


@pytest.mark.parametrize(
    ("lines", "heads", "expected"),
    [
        (FILE, [], None),
        (FILE, [head_of(LINES[:2]), head_of(LINES)], None),
        (FILE[:-1], [], Break("cut", 6)),
        ([*FILE[:3], FILE[-1]], [], Break("cut", 4)),
        (with_last_line(LINES[:3]), [head_of(LINES)], Break("cut", 4)),
        ([*FILE, FILE[0]], [], Break("added", 6)),
        ([*FILE[:4], last_line(head_of(LINES[:3]), "", "")], [], Break("added", 4)),
        (with_last_line(OTHER), [head_of(LINES[:2])], Break("rewritten", 2)),
        ([*FILE[:-1], FILE[-1].replace(b'"seq":5', b'"seq":6')], [], Break("head_altered", 6)),
        ([FORGED, *FILE[1:]], [], Break("missing", 1)),
    ],
)
def test_a_file_is_verified_without_a_key(lines: list[bytes], heads: list[Head], expected: Break | None) -> None:
    assert verify_lines(lines, heads)[1] == expected


def flip_bits(content: bytes) -> Iterator[bytes]:
    """Yield a file in every form in which one bit of one byte is another."""
    for at, byte in enumerate(content):
        yield content[:at] + bytes([byte ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("number", [2, pytest.param(25, marks=pytest.mark.long)])
def test_every_flipped_byte_of_a_file_is_detected(number: int) -> None:
    whole = b"\n".join(with_last_line(lines_of(number)))
    assert verify_lines(whole.split(b"\n"))[1] is None
    unseen = [at for at, content in enumerate(flip_bits(whole)) if verify_lines(content.split(b"\n"))[1] is None]
    assert unseen == []


def test_the_program_prints_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, head = tmp_path / "audit.jsonl", head_of(LINES)
    file.write_bytes(b"\n".join(FILE) + b"\n")
    assert main([str(file), "--head", f"5:{head.hash.upper()}"]) == 0
    assert capsys.readouterr().out == f"Intact: 5 entries. Head 5:{head.hash}\n"
    file.write_bytes(b"\n".join([*FILE[:2], *FILE[3:]]))
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == "BROKEN. Entries are missing from number 3 on.\n"


def test_the_exit_code_of_the_program_is_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"\n".join(FILE[:-1]))
    monkeypatch.setattr(sys, "argv", [chain.__file__, str(file)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(chain.__file__, run_name="__main__")
    assert ended.value.code == 1


def test_the_program_needs_nothing_of_ours(tmp_path: Path) -> None:
    program, file = tmp_path / "verify_audit.py", tmp_path / "audit.jsonl"
    program.write_bytes(Path(chain.__file__).read_bytes())
    file.write_bytes(b"\n".join(FILE) + b"\n")
    result = subprocess.run(
        [sys.executable, "-I", str(program), str(file)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout[:18]) == (0, "Intact: 5 entries.")
