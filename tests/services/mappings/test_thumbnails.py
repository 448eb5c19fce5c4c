"""Thumbnails are made of pictures that can be decoded, and of no other file."""

import io
from pathlib import Path

import pytest
from PIL import Image

from integration.connectors.pictures import Picture, PictureLocations, PictureReader
from integration.services.mappings.thumbnails import SIDE, thumbnail


def keep_picture(tmp_path: Path, data: bytes) -> str:
    """Store a picture, and return the mark of its content."""
    (tmp_path / "in").write_bytes(data)
    (picture,) = PictureReader(PictureLocations(tmp_path / "kept", tmp_path)).read(["in"])
    assert isinstance(picture, Picture)
    return picture.content


def draw_image(kind: str, size: tuple[int, int] = (400, 200)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_drawn_small_in_its_own_proportions(tmp_path: Path, kind: str) -> None:
    small = thumbnail(tmp_path / "kept", keep_picture(tmp_path, draw_image(kind)))
    assert small is not None
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("PNG", (SIDE, SIDE // 2))


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff" + bytes(40), draw_image("PNG")[:-30]])
def test_of_what_cannot_be_drawn_there_is_none(tmp_path: Path, data: bytes) -> None:
    assert thumbnail(tmp_path / "kept", keep_picture(tmp_path, data)) is None


def test_of_more_points_than_fit_there_is_none(tmp_path: Path) -> None:
    content = keep_picture(tmp_path, draw_image("PNG"))
    assert thumbnail(tmp_path / "kept", content, 400 * 200) is not None
    assert thumbnail(tmp_path / "kept", content, 400 * 200 - 1) is None


@pytest.mark.parametrize("content", ["0" * 32, "image:5", "../../etc/passwd", ""])
def test_of_what_is_not_kept_there_is_none(tmp_path: Path, content: str) -> None:
    assert thumbnail(tmp_path / "kept", content) is None
