"""Masks secrets in texts that are shown or stored, in any encoding.

An answer may quote our own request: percent-encoded once or twice, with escapes of JSON, HTML or Python, in base64,
in other letter case, or cut off in the middle. So a text is decoded to plain characters, each of which keeps its
position in the original text. Matches are masked at that position.
"""

import base64
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

MASK = "***"
ROUNDS = 6  # rounds of decoding; nobody encodes more often by accident
SHORTEST_CUT = 4  # characters of a secret at the end of a cut text
SHORTEST_PART = 10  # characters of a secret anywhere, if they are at least half of it
SHORTEST_PACKED = 4  # characters of a secret in base64; shorter matches are coincidences
SHORTEST_KNOWN = 6  # characters of a secret that is masked everywhere; shorter ones may be part of any word
SHORTEST_WORD = 12  # characters of a secret of letters only, which may be a word such as a product name
_PAIRED = 0x10000  # from here on a character takes two UTF-16 units
_SIGNS = 0x110000

_WRAPPED = re.compile(
    r"(?:%[0-9a-f]{2})+"
    r"|(?<!\\)(?:"  # only from the first backslash of a row: starting at each one takes quadratic time on a long row
    r"\\++(?:(?-i:U)[0-9a-f]{8}|u[0-9a-f]{4}(?:\\++u[0-9a-f]{4})*|x[0-9a-f]{2}(?:\\++x[0-9a-f]{2})*|(?=[^\w\s]))"
    r"|\\+(?=\\))"
    r"|&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});",
    re.IGNORECASE,
)
_PACKED = re.compile("[A-Za-z0-9+/=]+")
_UNIT = re.compile(r"(?<!\\)\\++(?:(?-i:U)([0-9a-f]{8})|u([0-9a-f]{4})|x([0-9a-f]{2}))|%([0-9a-f]{2})", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:^|[^a-z])(?:(?:access|refresh|id)[_-]?token|client[_-]?secret|secret|token|passwords?|passwd|wachtwoord|passwort"
    r"|kennwort|code[_-]?verifier)[\"'\]]*\s*(?:=>|[=:>]|[\"']\s*value\s*=)\s*[\"'\[]*([^\s\"'&<>,;\]})]+)"
    r"|(?:^|[^a-z])(?:ident|code)=[\"']?([^\s\"'&<>,;\]})]+)"
    r"|authorization[\"'\]]*\s*(?:[=:]\s*[\"'\[]*(?:(?:bearer|basic|digest|token)\s+)?|(?:bearer|basic)\s+)"
    r"([^\s\"'<>,;\]})]+)"
    r"|(?:^|[^a-z])(?:bearer|basic)\s+((?=\S*\d)[a-z0-9._~/ =-]{8,4000}?)(?=[\s\"'<>,;\]})]|$)"
)
_CUT = re.compile(  # possibly within an escape or between the bytes of a character
    r"((?:\w?[^\x00-\x7f]{1,6})?(?:%[0-9a-f]?|\\+[ux]?[0-9a-f]{0,7}|&[#a-z0-9]{0,8})?)\s*(?:\.{2,}|…|\[|$)"
)

Spot = tuple[int, int]


def masked(text: str, secrets: Collection[str], *, quoted: bool = True) -> str:
    """Return a text with all secrets masked, and all values behind names such as `secret=`.

    A `quoted` text comes from outside and may be cut off in the middle of a secret. Our own texts are not.
    """
    if not text:  # nearly every answer has empty texts
        return text
    return _blotted(text, _spots(_unwrapped(text), secrets, quoted=quoted))


# The latest secrets of this process. Any of them may occur in any text.
_known: deque[str] = deque(maxlen=40)


def register_secrets(*secrets: str) -> None:
    """Mask these secrets in all texts of this process from now on. Secrets that may be ordinary words are ignored."""
    tellable = (one for one in secrets if len(one) >= (SHORTEST_WORD if one.isalpha() else SHORTEST_KNOWN))
    _known.extend(one for one in tellable if one not in _known)


def masked_text(text: str, secrets: Collection[str] = (), *, quoted: bool = False) -> str:
    """Return a text without the given secrets and without all secrets known to this process."""
    return masked(text, {*secrets, *_known.copy()}, quoted=quoted)


@dataclass(frozen=True, slots=True)
class _Read:
    """The decoded characters of a text, and the span of the original text that each one comes from."""

    signs: str
    spots: tuple[Spot, ...]

    def where(self, start: int, end: int) -> Spot:
        return self.spots[start][0], self.spots[end - 1][1]


def _unwrapped(text: str) -> _Read:
    read = _Read(text, tuple((place, place + 1) for place in range(len(text))))
    for _ in range(ROUNDS):
        if not any(sign in read.signs for sign in "%\\&"):
            break
        inside = _once_unwrapped(read)
        if inside.signs == read.signs:
            break
        read = inside
    return read


def _once_unwrapped(read: _Read) -> _Read:
    signs: list[str] = []
    spots: list[Spot] = []
    done = 0
    for found in _WRAPPED.finditer(read.signs):
        signs.append(read.signs[done : found.start()])
        spots += read.spots[done : found.start()]
        done = found.end()
        for sign, start, end in _meant(found.group(), found.start()):
            signs.append(sign)
            spots += [read.where(start, end)] * len(sign)
    return _Read("".join([*signs, read.signs[done:]]), (*spots, *read.spots[done:]))


def _meant(wrapped: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of an escape with their spans. A backslash before a plain character yields nothing."""
    end = start + len(wrapped)
    if wrapped[0] == "&":
        yield unescape(wrapped) if unescape(wrapped) != wrapped else wrapped, start, end
        return
    units = list(_UNIT.finditer(wrapped))
    if not units:
        return
    values = [int(next(filter(None, unit.groups())), 16) for unit in units]
    if max(values) >= _PAIRED:
        yield "".join(chr(value) if value < _SIGNS else "?" for value in values), start, end
        return
    size = 1 if units[0].group(3) or units[0].group(4) else 2
    places = [(start + unit.start(), start + unit.end()) for unit in units]
    yield from _decoded(b"".join(value.to_bytes(size, "big") for value in values), size, places)


def _decoded(raw: bytes, size: int, places: list[Spot]) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of UTF-8 bytes or UTF-16 units. Invalid bytes are taken as single characters."""
    at = 0
    while at < len(raw):
        for length in (size, 2 * size) if size == 2 else (1, 2, 3, 4):  # noqa: PLR2004 - bytes of a sign
            try:
                sign = raw[at : at + length].decode("utf-16-be" if size == 2 else "utf-8")  # noqa: PLR2004
            except UnicodeDecodeError:
                continue
            break
        else:
            sign, length = chr(int.from_bytes(raw[at : at + size], "big")), size
        taken = places[at // size : -(-(at + length) // size)]
        yield sign, taken[0][0], taken[-1][1]
        at += length


def _folded(read: _Read) -> _Read:
    """Return the text in comparable form: lower case, accents separated, and plus signs as spaces."""
    if read.signs.isascii():
        return _Read(read.signs.lower().replace("+", " "), read.spots)
    folds = [_fold(sign) for sign in read.signs]
    spots = (spot for fold, spot in zip(folds, read.spots, strict=True) for spot in [spot] * len(fold))
    return _Read("".join(folds), tuple(spots))


@lru_cache(maxsize=10_000)
def _fold(sign: str) -> str:
    return unicodedata.normalize("NFKD", sign).casefold().replace("+", " ")


@dataclass(frozen=True, slots=True)
class _Needle:
    """Search patterns of a secret: its comparable form and hexadecimal form, and its base64 digits at each offset."""

    folded: tuple[str, ...]
    packed: tuple[str, ...]


@lru_cache(maxsize=1_000)
def _needle(secret: str) -> _Needle:
    raws = {secret.encode("utf-8", "replace"), secret.encode("latin-1", "replace")}
    once = {stem for raw in raws for stem in _stems(raw)}
    twice = {again for stem in once for again in _stems(stem.encode())}
    folded = _folded(_unwrapped(secret)).signs
    hexadecimal = {raw.hex() for raw in raws if len(raw) >= SHORTEST_CUT}
    packed = sorted(stem for stem in once | twice if len(stem) >= SHORTEST_PACKED)
    return _Needle(tuple(one for one in (folded, *sorted(hexadecimal)) if one), tuple(packed))


def _stems(raw: bytes) -> Iterator[str]:
    """Yield the base64 digits that depend only on these bytes, for each of the three possible offsets."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        yield digits[-(-before * 4 // 3) : len(digits) - (1 if (before + len(raw)) % 3 else 0)]


def _spots(read: _Read, secrets: Collection[str], *, quoted: bool) -> list[Spot]:
    """Return the spans of the text to mask."""
    folded, needles = _folded(read), [_needle(secret) for secret in secrets if secret]
    found = [
        folded.where(*spot)
        for needle in needles
        for one in needle.folded
        for spot in _of(one, folded.signs, quoted=quoted)
    ]
    for match in _NAMED.finditer(folded.signs):
        group = next(number for number in range(1, 5) if match.group(number) is not None)
        found.append(folded.where(*match.span(group)))
    return found + [read.where(*spot) for spot in _packed(read.signs, needles, quoted=quoted)]


def _packed(signs: str, needles: Collection[_Needle], *, quoted: bool) -> Iterator[Spot]:
    """Yield the spans of base64 texts that contain a secret. Each is masked as a whole."""
    places = [place for place, sign in enumerate(signs) if sign not in "\r\n"]  # long base64 may span several lines
    digits = "".join(signs[place] for place in places).replace("-", "+").replace("_", "/")
    found = {spot for needle in needles for stem in needle.packed for spot in _of(stem, digits, quoted=quoted)}
    rows = [row.span() for row in _PACKED.finditer(digits)] if found else []
    begins, ends = [begin for begin, _ in rows], [end for _, end in rows]
    for first, last in found:
        before, behind = bisect_left(begins, first) - 1, bisect_right(ends, last)
        start = begins[before] if before >= 0 and ends[before] >= first else first
        end = ends[behind] if behind < len(rows) and begins[behind] <= last else last
        yield places[start], places[end - 1] + 1


def _of(needle: str, signs: str, *, quoted: bool) -> Iterator[Spot]:
    """Yield the spans of a secret, whole or partial."""
    whole = signs.find(needle)
    while whole >= 0:
        yield whole, whole + len(needle)
        whole = signs.find(needle, whole + 1)
    if quoted:
        yield from _cut(needle, signs)
    size = max(SHORTEST_PART, -(-len(needle) // 2))
    block = size // 2  # every part of `size` characters contains one of these blocks
    if len(needle) > size and any(needle[at : at + block] in signs for at in range(0, len(needle) - block + 1, block)):
        for part in {needle[at : at + size] for at in range(len(needle) - size + 1)}:
            place = signs.find(part)
            while place >= 0:
                yield place, place + size
                place = signs.find(part, place + 1)


def _cut(needle: str, signs: str) -> Iterator[Spot]:
    """Yield the spans of a secret's beginning at which the text is cut off."""
    begin = signs.find(needle[:SHORTEST_CUT])
    while begin >= 0 and len(needle) > SHORTEST_CUT:
        length = SHORTEST_CUT
        while length < len(needle) and signs[begin : begin + length + 1] == needle[: length + 1]:
            length += 1
        in_a_word = length < SHORTEST_PART and begin > 0 and signs[begin - 1].isalnum()
        if (behind := _CUT.match(signs, begin + length)) and not in_a_word:
            yield begin, behind.end(1)
        begin = signs.find(needle[:SHORTEST_CUT], begin + 1)


def _blotted(text: str, spots: list[Spot]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spots):
        if end <= done:
            continue
        if start > done or not pieces:
            pieces += [text[done:start], MASK]
        done = end
    return "".join([*pieces, text[done:]])
