"""What both systems take as text: which codes can be a number of the till, and which characters can be stored."""

import re

from integration.core.records import Value

LONGEST_NUMBER = 18  # digits; the till's numbers are 64 bits wide
_UNSTORABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2


def is_number(text: str) -> bool:
    """Tell whether a text consists of digits and fits into a number of the till."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER


def is_till_number(code: str) -> bool:
    """Tell whether a code can be a number of the till as it is: zeros at its start would be lost."""
    return is_number(code) and not code.startswith("0")


def is_storable(text: str) -> bool:
    """Tell whether every character of a text can be sent to the till and kept there."""
    return text.isprintable() or not _UNSTORABLE.search(text)  # what can be printed can be stored


def clean(value: Value) -> Value:
    """Return a text the till can hold and gives back as it was: no control characters, one sign per line end."""
    if isinstance(value, str) and not value.isprintable():  # what can be printed can be stored
        text = _UNSTORABLE.sub("", value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return value
