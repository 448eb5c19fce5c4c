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
from collections.abc import Collection, Iterator, Sequence
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
GRAM = 4  # characters by which a text is searched for a possible match before it is searched exactly
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
_ONE_ALPHABET = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None})  # long base64 may span several lines
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
    return _mask_spans(text, _spans_to_mask(_decode(text), secrets, quoted=quoted))


# The latest secrets of this process. Any of them may occur in any text.
_registered_secrets: deque[str] = deque(maxlen=40)


def register_secrets(*secrets: str) -> None:
    """Mask these secrets in all texts of this process from now on. Secrets that may be ordinary words are ignored."""
    maskable = (secret for secret in secrets if len(secret) >= (SHORTEST_WORD if secret.isalpha() else SHORTEST_KNOWN))
    _registered_secrets.extend(secret for secret in maskable if secret not in _registered_secrets)


def masked_text(text: str, secrets: Collection[str] = (), *, quoted: bool = False) -> str:
    """Return a text without the given secrets and without all secrets known to this process."""
    return masked(text, {*secrets, *_registered_secrets.copy()}, quoted=quoted)


@dataclass(frozen=True, slots=True)
class _DecodedText:
    """The decoded characters of a text, and the span of the original text that each one comes from."""

    signs: str
    spots: tuple[Spot, ...]

    def spot_of(self, start: int, end: int) -> Spot:
        return self.spots[start][0], self.spots[end - 1][1]


def _decode(text: str) -> _DecodedText:
    decoded_text = _DecodedText(text, tuple(zip(range(len(text)), range(1, len(text) + 1), strict=True)))
    for _ in range(ROUNDS):
        if not any(sign in decoded_text.signs for sign in "%\\&"):
            break
        inside = _decode_once(decoded_text)
        if inside.signs == decoded_text.signs:
            break
        decoded_text = inside
    return decoded_text


def _decode_once(decoded_text: _DecodedText) -> _DecodedText:
    signs: list[str] = []
    spots: list[Spot] = []
    position = 0
    for match in _WRAPPED.finditer(decoded_text.signs):
        signs.append(decoded_text.signs[position : match.start()])
        spots += decoded_text.spots[position : match.start()]
        position = match.end()
        for sign, start, end in _escape_characters(match.group(), match.start()):
            signs.append(sign)
            spots += [decoded_text.spot_of(start, end)] * len(sign)
    return _DecodedText("".join([*signs, decoded_text.signs[position:]]), (*spots, *decoded_text.spots[position:]))


def _escape_characters(wrapped: str, start: int) -> Iterator[tuple[str, int, int]]:
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
    yield from _decode_bytes(b"".join(value.to_bytes(size, "big") for value in values), size, places)


def _decode_bytes(raw: bytes, size: int, places: list[Spot]) -> Iterator[tuple[str, int, int]]:
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
        spots = places[at // size : -(-(at + length) // size)]
        yield sign, spots[0][0], spots[-1][1]
        at += length


def _fold_text(decoded_text: _DecodedText) -> _DecodedText:
    """Return the text in comparable form: lower case, accents separated, and plus signs as spaces."""
    if decoded_text.signs.isascii():
        return _DecodedText(decoded_text.signs.lower().replace("+", " "), decoded_text.spots)
    folds = [_fold(sign) for sign in decoded_text.signs]
    spots = (spot for fold, spot in zip(folds, decoded_text.spots, strict=True) for spot in [spot] * len(fold))
    return _DecodedText("".join(folds), tuple(spots))


@lru_cache(maxsize=10_000)
def _fold(sign: str) -> str:
    return unicodedata.normalize("NFKD", sign).casefold().replace("+", " ")


@dataclass(frozen=True, slots=True)
class _Needle:
    """Search patterns of a secret: its comparable form and hexadecimal form, and its base64 digits at each offset."""

    folded: tuple[str, ...]
    base64_parts: tuple[str, ...]
    folded_grams: frozenset[str]
    base64_grams: frozenset[str]


@lru_cache(maxsize=1_000)
def _needle(secret: str) -> _Needle:
    raws = {secret.encode("utf-8", "replace"), secret.encode("latin-1", "replace")}
    once = {stem for raw in raws for stem in _base64_stems(raw)}
    twice = {inner_stem for stem in once for inner_stem in _base64_stems(stem.encode())}
    folded = _fold_text(_decode(secret)).signs
    hexadecimal = {raw.hex() for raw in raws if len(raw) >= SHORTEST_CUT}
    packed = sorted(stem for stem in once | twice if len(stem) >= SHORTEST_PACKED)
    searched = tuple(text for text in (folded, *sorted(hexadecimal)) if text)
    return _Needle(searched, tuple(packed), _first_grams(searched), _first_grams(packed))


def _first_grams(needles: Sequence[str]) -> frozenset[str]:
    """Return parts of needles, of which a text has at least one if `_secret_spans` finds anything in it.

    Empty if a needle is too short to have such a part.
    """
    grams = set()
    for needle in needles:
        if len(needle) < GRAM:
            return frozenset()
        _, block = _part_sizes(needle)
        grams.add(needle[:GRAM])
        grams.update(needle[at : at + GRAM] for at in range(0, len(needle) - block + 1, block))
    return frozenset(grams)


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + GRAM] for at in range(len(text) - GRAM + 1))


def _may_contain(text_grams: frozenset[str], grams: frozenset[str]) -> bool:
    return not grams or not grams.isdisjoint(text_grams)


def _base64_stems(raw: bytes) -> Iterator[str]:
    """Yield the base64 digits that depend only on these bytes, for each of the three possible offsets."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        yield digits[-(-before * 4 // 3) : len(digits) - (1 if (before + len(raw)) % 3 else 0)]


def _spans_to_mask(decoded_text: _DecodedText, secrets: Collection[str], *, quoted: bool) -> list[Spot]:
    folded, needles = _fold_text(decoded_text), [_needle(secret) for secret in secrets if secret]
    grams = _grams(folded.signs)
    spots = [
        folded.spot_of(*spot)
        for needle in needles
        if _may_contain(grams, needle.folded_grams)
        for text in needle.folded
        for spot in _secret_spans(text, folded.signs, quoted=quoted)
    ]
    for match in _NAMED.finditer(folded.signs):
        group = next(number for number in range(1, 5) if match.group(number) is not None)
        spots.append(folded.spot_of(*match.span(group)))
    return spots + [decoded_text.spot_of(*spot) for spot in _base64_spans(decoded_text.signs, needles, quoted=quoted)]


def _base64_spans(signs: str, needles: Collection[_Needle], *, quoted: bool) -> Iterator[Spot]:
    """Yield the spans of base64 texts that contain a secret. Each is masked as a whole."""
    digits = signs.translate(_ONE_ALPHABET)
    grams = _grams(digits)
    spans = {
        spot
        for needle in needles
        if _may_contain(grams, needle.base64_grams)
        for stem in needle.base64_parts
        for spot in _secret_spans(stem, digits, quoted=quoted)
    }
    if not spans:
        return
    places = [place for place, sign in enumerate(signs) if sign not in "\r\n"]
    rows = [row.span() for row in _PACKED.finditer(digits)]
    begins, ends = [begin for begin, _ in rows], [end for _, end in rows]
    for first, last in spans:
        before, behind = bisect_left(begins, first) - 1, bisect_right(ends, last)
        start = begins[before] if before >= 0 and ends[before] >= first else first
        end = ends[behind] if behind < len(rows) and begins[behind] <= last else last
        yield places[start], places[end - 1] + 1


def _secret_spans(needle: str, signs: str, *, quoted: bool) -> Iterator[Spot]:
    """Yield the spans of a secret, whole or partial."""
    whole = signs.find(needle)
    while whole >= 0:
        yield whole, whole + len(needle)
        whole = signs.find(needle, whole + 1)
    if quoted:
        yield from _cut_off_spans(needle, signs)
    size, block = _part_sizes(needle)
    if len(needle) > size and any(needle[at : at + block] in signs for at in range(0, len(needle) - block + 1, block)):
        for part in {needle[at : at + size] for at in range(len(needle) - size + 1)}:
            place = signs.find(part)
            while place >= 0:
                yield place, place + size
                place = signs.find(part, place + 1)


def _part_sizes(needle: str) -> tuple[int, int]:
    """Return the size of a part that is masked, and of the blocks of which each such part contains one."""
    size = max(SHORTEST_PART, -(-len(needle) // 2))
    return size, size // 2


def _cut_off_spans(needle: str, signs: str) -> Iterator[Spot]:
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


def _mask_spans(text: str, spots: list[Spot]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spots):
        if end <= position:
            continue
        if start > position or not pieces:
            pieces += [text[position:start], MASK]
        position = end
    return "".join([*pieces, text[position:]])
