"""Secrets are blotted out of what is shown or kept, in whatever spelling they stand there.

An answer may quote our own request: percent-encoded once or twice, with the escapes of JSON, HTML or Python, in base64,
in other letters, or cut off in the middle. So a text is read down to the signs it stands for, and each of these knows
which part of the text it came from; what is found among them is blotted out there.
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
ROUNDS = 6  # of unwrapping: whoever encodes more often than that does not mean us to read it
SHORTEST_CUT = 4  # signs of a secret that a text ends with
SHORTEST_PART = 10  # signs of a secret anywhere, where they are half of it
SHORTEST_PACKED = 4  # signs of a secret in base64: fewer say nothing
SHORTEST_KNOWN = 6  # signs of a secret that is blotted out of everything: fewer may be part of any word
SHORTEST_WORD = 12  # letters of one that has nothing else, such as the name of a product
_PAIRED = 0x10000  # from here on a sign takes two numbers of UTF-16
_SIGNS = 0x110000

_WRAPPED = re.compile(
    r"(?:%[0-9a-f]{2})+"
    r"|(?<!\\)(?:"  # from the first backslash of a row: from each of them, a long row takes for ever
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
_CUT = re.compile(  # perhaps inside an escape, or between the bytes of a sign
    r"((?:\w?[^\x00-\x7f]{1,6})?(?:%[0-9a-f]?|\\+[ux]?[0-9a-f]{0,7}|&[#a-z0-9]{0,8})?)\s*(?:\.{2,}|…|\[|$)"
)

Spot = tuple[int, int]


def masked(text: str, secrets: Collection[str], *, quoted: bool = True) -> str:
    """Return a text with every secret blotted out, and what stands where one is named, as behind `secret=`.

    One that is `quoted` may have been cut off in the middle of a secret: our own are not.
    """
    if not text:  # as nearly every answer has: it says nothing but what was asked for
        return text
    return _blotted(text, _spots(_unwrapped(text), secrets, quoted=quoted))


# What this process was told or given, the last ones: any of it may turn up in a text of anybody.
_known: deque[str] = deque(maxlen=40)


def remember(*secrets: str) -> None:
    """Blot these out of everything that is told from now on, in this process; a common word is none that could be."""
    tellable = (one for one in secrets if len(one) >= (SHORTEST_WORD if one.isalpha() else SHORTEST_KNOWN))
    _known.extend(one for one in tellable if one not in _known)


def masked_text(text: str, secrets: Collection[str] = (), *, quoted: bool = False) -> str:
    """Return a text without these secrets and without any that this process knows, fit to be shown and kept."""
    return masked(text, {*secrets, *_known.copy()}, quoted=quoted)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a text says, sign by sign, and from which part of the text each sign comes."""

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
    """Yield what an escape stands for, each sign with its place; a backslash before a sign stands for nothing."""
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
    """Yield the signs of bytes that are UTF-8, or of pairs that are UTF-16; what is neither is taken as it is."""
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
    """Return what is compared: in small letters, their marks apart from them, and a blank for a plus sign."""
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
    """What to look for: a secret as it is compared, and as digits of base64 hold it, wherever it begins in them."""

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
    """Yield the digits of base64 that depend on these bytes alone, for each of the three places to begin."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        yield digits[-(-before * 4 // 3) : len(digits) - (1 if (before + len(raw)) % 3 else 0)]


def _spots(read: _Read, secrets: Collection[str], *, quoted: bool) -> list[Spot]:
    """Return which parts of the text are to be blotted out."""
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
    """Yield where base64 holds a secret: its digits are blotted out as a whole."""
    places = [place for place, sign in enumerate(signs) if sign not in "\r\n"]  # a long one may be in lines
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
    """Yield where a secret stands, whole or in part."""
    whole = signs.find(needle)
    while whole >= 0:
        yield whole, whole + len(needle)
        whole = signs.find(needle, whole + 1)
    if quoted:
        yield from _cut(needle, signs)
    size = max(SHORTEST_PART, -(-len(needle) // 2))
    block = size // 2  # one of these is in every part of that size
    if len(needle) > size and any(needle[at : at + block] in signs for at in range(0, len(needle) - block + 1, block)):
        for part in {needle[at : at + size] for at in range(len(needle) - size + 1)}:
            place = signs.find(part)
            while place >= 0:
                yield place, place + size
                place = signs.find(part, place + 1)


def _cut(needle: str, signs: str) -> Iterator[Spot]:
    """Yield where the beginning of a secret stands and the text was cut off behind it."""
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
