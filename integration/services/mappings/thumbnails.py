"""Small copies of pictures for the screen, drawn of what this console keeps itself: none is loaded from elsewhere."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from integration.connectors.pictures import MIME, kept_in
from integration.core.errors import RejectedError

SIDE = 160  # of a small copy, in points
MOST_POINTS = 25_000_000  # of a picture that is drawn small: more would fill the memory before it is small
AT_HAND = 64  # small copies that need not be drawn again


@lru_cache(AT_HAND)
def thumbnail(folder: Path, content: str, most: int = MOST_POINTS) -> bytes | None:
    """Return a picture small, as PNG; None where it is kept no more, cannot be drawn, or has more points."""
    try:
        data, kind = kept_in(folder, content)
    except RejectedError:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=[MIME[kind].partition("/")[2]]) as whole:
            if whole.width * whole.height > most:
                return None
            whole.draft("RGB", (SIDE, SIDE))
            whole.thumbnail((SIDE, SIDE))
            small = whole.convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None  # whatever is wrong with it, the till says so where it matters
    drawn = io.BytesIO()
    small.save(drawn, "PNG")
    return drawn.getvalue()
