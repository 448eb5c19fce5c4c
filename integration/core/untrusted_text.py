"""Text from outside, which stays text wherever it goes: shown in one line with every sign visible, never a formula.

What both systems, a browser or a file say is data: it is written to the other system exactly as it came. Only what a
person sees of it, in a page, a terminal or the log of the server, shows the signs that would otherwise show nothing, or
do something.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

MOST_MARKS = 4  # signs that stand above or below one letter; more hide what is around them

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Signs that show nothing, turn the direction, break a line, or that only a machine reads.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff"
)
_WHOLE_EMOJI = (  # the two signs of these that a picture is made of
    f"(?<=[{_EMOJI}])\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
)
_SHOWN = re.compile(f"(?P<emoji>{_WHOLE_EMOJI})|(?P<line>\r?\n)|[{_HIDDEN}]")
_SHOWN_IN_LINES = re.compile(f"(?P<emoji>{_WHOLE_EMOJI})|(?P<kept>\r?\n|\t)|[{_HIDDEN}]")
_ESCAPED = re.compile(f"[{_HIDDEN}]")

NEW_LINE = "↵"
_PICTURES = 0x2400  # where the pictures of control characters begin, in the order of what they stand for
_PICTURE_OF_DELETE = "\u2421"
_DELETE, _FIRST_SHOWN = 0x7F, 0x20


def visible(text: str) -> str:
    """Return text in one line in which every sign can be seen: `␛` for Escape, `↵` for a new line, `⟨U+202E⟩`.

    The two signs that join a picture such as 👩‍🔧 stay. Of signs above and below one letter some are left, and the
    others are named.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SHOWN.sub(_named, _unstacked(text))


def visible_lines(text: str) -> str:
    """Return text as `visible` does, with its lines and tabs left, for a place that shows many lines."""
    return _SHOWN_IN_LINES.sub(_named, _unstacked(text))


def indented(trace: str) -> str:
    """Return lines so that none can be taken for one that stands for itself: an error may say lines of its own."""
    return "".join(f"  {visible(line)}\n" for line in re.split("\r?\n", trace.rstrip("\r\n")))


def _named(found: re.Match[str]) -> str:
    named = found.groupdict()
    if named["emoji"]:
        return found[0]
    if named.get("kept"):
        return "\t" if found[0] == "\t" else "\n"
    if named.get("line"):
        return NEW_LINE
    return _name(found[0])


def _name(sign: str) -> str:
    number = ord(sign)
    if number < _FIRST_SHOWN:
        return chr(_PICTURES + number)
    return _PICTURE_OF_DELETE if number == _DELETE else f"⟨U+{number:04X}⟩"


def _unstacked(text: str) -> str:
    """Return text with those signs named that stand above or below nothing, or above and below too many others."""
    if text.isascii():
        return text
    shown, stacked = [], MOST_MARKS  # nothing stands before the first sign
    for sign in text:
        stacked = stacked + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        shown.append(_name(sign) if stacked > MOST_MARKS else sign)
    return "".join(shown)


def json_line(value: object) -> str:
    """Return a value as JSON in one line that is safe in a terminal: what would not be seen in it is escaped."""
    return _seen(json.dumps(value, default=str, ensure_ascii=False))


def json_text(value: object) -> str:
    """Return a value as JSON that people read and compare: names in order, one a line, and as safe in a terminal."""
    lines = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).split("\n")
    return "\n".join(map(_seen, lines)) + "\n"


def _seen(text: str) -> str:
    return _ESCAPED.sub(_as_escape, text)


def _as_escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


# ---- files that a spreadsheet opens ---------------------------------------------------------------------------------


# A spreadsheet takes text for a formula that begins with one of these, also wide ones, whatever blanks or quotes are
# before it; and it begins a cell at `;`, a tab or a new line where it is set to another separator than ours.
_LEADING = (
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x20'\"\u0085\u00a0\u00ad\u1680\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff]*"
)
_FORMULA = "[=+\\-@＝＋－＠]"
# In the words that Python and Arrow both understand, each with what takes its place, one after the other.
HARMLESS = ((f"^({_LEADING}[\\t\\r\\n])", r"'\1"), (f"(^|[;\\t\\r\\n])({_LEADING}{_FORMULA})", r"\1'\2"))
_GUARD = re.compile(f"^'(?={_LEADING}[\\t\\r\\n])|(?:^|(?<=[;\\t\\r\\n]))'(?={_LEADING}{_FORMULA})")


def harmless(text: str) -> str:
    """Return text as a cell of a CSV file that no spreadsheet computes: a `'` stands before what begins a formula."""
    for pattern, guarded in HARMLESS:
        text = re.sub(pattern, guarded, text)
    return text


def unguarded(cell: str) -> str:
    """Return the text that `harmless` made a cell of."""
    return _GUARD.sub("", cell)


def csv_text(header: Sequence[str], lines: Iterable[Sequence[object]], separator: str = ",", decimal: str = ".") -> str:
    """Return lines as a CSV file: text harmless, several texts after one another, numbers and days as they are."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(map(harmless, header))
    writer.writerows([_cell(value, decimal) for value in line] for line in lines)
    return out.getvalue()


def _cell(value: object, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", decimal)
    text = "; ".join(map(str, value)) if isinstance(value, tuple) else value
    return harmless(text) if isinstance(text, str) else str(text)
