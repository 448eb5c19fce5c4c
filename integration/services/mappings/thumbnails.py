"""Thumbnails of pictures, drawn from the console's own cache. No picture is loaded from elsewhere."""

import io
from functools import lru_cache
from pathlib import Path

from integration.connectors.pictures import MIME, load_picture
from integration.core.errors import RejectedError

SIDE = 160  # of a thumbnail, in pixels
MAX_POINTS = 25_000_000  # pixels of a picture: a larger one would need too much memory before it is scaled down
AT_HAND = 64  # thumbnails in the cache


@lru_cache(AT_HAND)
def thumbnail(folder: Path, content: str, max_points: int = MAX_POINTS) -> bytes | None:
    """Return the thumbnail of a picture as PNG, or None.

    None means that the picture is not cached, cannot be drawn, or has more pixels than `max_points`.
    """
    try:
        data, kind = load_picture(folder, content)
    except RejectedError:
        return None
    from PIL import Image  # noqa: PLC0415 - most processes draw no picture

    try:
        with Image.open(io.BytesIO(data), formats=[MIME[kind].partition("/")[2]]) as whole:
            if whole.width * whole.height > max_points:
                return None
            whole.draft("RGB", (SIDE, SIDE))
            whole.thumbnail((SIDE, SIDE))
            small = whole.convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None  # a thumbnail is optional; the till rejects a broken picture when it is sent
    drawn = io.BytesIO()
    small.save(drawn, "PNG")
    return drawn.getvalue()
