"""The width of a text in the font of Streamlit's tables."""

from unicodedata import normalize

LETTER = 0.013125  # pixels for a thousandth of an em

# Advance widths of the characters from the space on, in thousandths of an em. A test compares them with the font.
_ADVANCES = (
    236, 284, 419, 713, 598, 927, 694, 242, 335, 335, 450, 600, 272, 399, 272, 383, 600, 600, 600, 600, 600, 600, 600,
    600, 600, 600, 292, 292, 600, 600, 600, 477, 891, 641, 653, 621, 671, 583, 559, 695, 707, 400, 510, 634, 501, 812,
    707, 708, 606, 708, 640, 581, 572, 678, 609, 891, 613, 593, 580, 317, 383, 317, 600, 565, 600, 534, 580, 503, 580,
    549, 324, 528, 568, 250, 250, 527, 272, 873, 568, 560, 580, 580, 367, 487, 351, 568, 492, 768, 507, 499, 464, 343,
    314, 343, 600,
)  # fmt: skip
_ADVANCE = {chr(32 + at): advance for at, advance in enumerate(_ADVANCES)}
_WIDE = 803  # for any other character: no narrower than the usual ones


def text_width(content: str) -> float:
    """Return the width of a text in a table, in pixels. A letter with an accent counts as the bare letter."""
    return sum(_ADVANCE.get(sign) or _ADVANCE.get(normalize("NFD", sign)[0], _WIDE) for sign in content) * LETTER
