"""Text from outside: displayed in one line with all characters visible, and never run as a formula.

Text from the systems, a browser or a file is data: it is written to the other system exactly as received. Only its
display, on a page, in a terminal or in the server's log, replaces characters that are invisible or have an effect.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

MAX_MARKS = 4  # combining marks on one letter; more of them cover the text around

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Characters that are invisible, change the direction, break a line, or are for machines only.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff"
)
_WHOLE_EMOJI = (  # the two characters that join an emoji
    f"(?<=[{_EMOJI}])\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
)
_SHOWN = re.compile(f"(?P<emoji>{_WHOLE_EMOJI})|(?P<line>\r?\n)|[{_HIDDEN}]")
_SHOWN_IN_LINES = re.compile(f"(?P<emoji>{_WHOLE_EMOJI})|(?P<kept>\r?\n|\t)|[{_HIDDEN}]")
_ESCAPED = re.compile(f"[{_HIDDEN}]")

NEW_LINE = "↵"
_PICTURES = 0x2400  # code point of the first control picture; the pictures have the order of the control characters
_PICTURE_OF_DELETE = "\u2421"
_DELETE, _FIRST_SHOWN = 0x7F, 0x20


def visible(text: str) -> str:
    """Return text in one line with all characters visible: `␛` for Escape, `↵` for a line break, `⟨U+202E⟩`.

    The two characters that join an emoji such as 👩‍🔧 stay. The first combining marks of a letter stay, and further
    ones are shown by code point.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SHOWN.sub(_visible_form, _limit_marks(text))


def visible_lines(text: str) -> str:
    """Return text as `visible` does, but keep line breaks and tabs, for display in several lines."""
    return _SHOWN_IN_LINES.sub(_visible_form, _limit_marks(text))


def indented(trace: str) -> str:
    """Return lines indented, so that no line of an error message can pass for a line of its own."""
    return "".join(f"  {visible(line)}\n" for line in re.split("\r?\n", trace.rstrip("\r\n")))


def _visible_form(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups["emoji"]:
        return match[0]
    if groups.get("kept"):
        return "\t" if match[0] == "\t" else "\n"
    if groups.get("line"):
        return NEW_LINE
    return _code_point_name(match[0])


def _code_point_name(sign: str) -> str:
    number = ord(sign)
    if number < _FIRST_SHOWN:
        return chr(_PICTURES + number)
    return _PICTURE_OF_DELETE if number == _DELETE else f"⟨U+{number:04X}⟩"


def _limit_marks(text: str) -> str:
    """Return text with excess combining marks shown by code point, and those without a letter before them."""
    if text.isascii():
        return text
    parts, stacked = [], MAX_MARKS  # no letter precedes the first character
    for sign in text:
        stacked = stacked + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        parts.append(_code_point_name(sign) if stacked > MAX_MARKS else sign)
    return "".join(parts)


def json_line(value: object) -> str:
    """Return a value as JSON in one line that is safe in a terminal: invisible characters are escaped."""
    return _escape_text(json.dumps(value, default=str, ensure_ascii=False))


def json_text(value: object) -> str:
    """Return a value as readable JSON: sorted names, one per line, and safe in a terminal."""
    lines = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).split("\n")
    return "\n".join(map(_escape_text, lines)) + "\n"


def _escape_text(text: str) -> str:
    return _ESCAPED.sub(_escape_match, text)


def _escape_match(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


# ---- files that a spreadsheet opens ---------------------------------------------------------------------------------


# A spreadsheet reads text as a formula if it begins with one of these, also in full width, after any blanks or
# quotes. It begins a new cell at `;`, a tab or a line break if it is set to another separator than ours.
_LEADING = (
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x20'\"\u0085\u00a0\u00ad\u1680\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff]*"
)
_FORMULA = "[=+\\-@＝＋－＠]"
# Pattern and replacement in the syntax common to Python and Arrow, applied in this order.
HARMLESS = ((f"^({_LEADING}[\\t\\r\\n])", r"'\1"), (f"(^|[;\\t\\r\\n])({_LEADING}{_FORMULA})", r"\1'\2"))
_GUARD = re.compile(f"^'(?={_LEADING}[\\t\\r\\n])|(?:^|(?<=[;\\t\\r\\n]))'(?={_LEADING}{_FORMULA})")


def escape_formulas(text: str) -> str:
    """Return text as a CSV cell that no spreadsheet computes: a `'` is put before the start of a formula."""
    for pattern, guarded in HARMLESS:
        text = re.sub(pattern, guarded, text)
    return text


def unescape_formulas(cell: str) -> str:
    """Return the original text of a cell from `escape_formulas`."""
    return _GUARD.sub("", cell)


def csv_text(header: Sequence[str], lines: Iterable[Sequence[object]], separator: str = ",", decimal: str = ".") -> str:
    """Return lines as a CSV file: formulas are escaped, lists are joined, numbers and dates are unchanged."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(map(escape_formulas, header))
    writer.writerows([_cell(value, decimal) for value in line] for line in lines)
    return out.getvalue()


def _cell(value: object, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", decimal)
    text = "; ".join(map(str, value)) if isinstance(value, tuple) else value
    return escape_formulas(text) if isinstance(text, str) else str(text)
