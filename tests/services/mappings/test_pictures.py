"""Pictures as the settings say where they are."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path

from integration.core.errors import RejectedError
from integration.core.records import Kind, Record
from integration.services.mappings.pictures import Pictures
from integration.settings import PictureSources, load_settings


def test_each_name_comes_to_its_picture_or_to_why_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "bel.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    settings = load_settings(data=tmp_path / "data", pictures=PictureSources(folder=tmp_path))

    with closing(Pictures(settings)) as pictures:
        good, bad = pictures.read(["bel.png", "weg.png"])

    assert isinstance(good, Record)
    assert (good.kind, good.values["size"]) == (Kind.PICTURE, Decimal(8))
    assert isinstance(bad, RejectedError)
    assert bad.code == "picture_missing"
    assert [path.suffix for path in (tmp_path / "data" / "pictures").glob("*.png")] == [".png"]


def test_nothing_is_kept_and_nobody_asked_where_no_place_is_named(tmp_path: Path) -> None:
    with closing(Pictures(load_settings(data=tmp_path))) as pictures:
        (error,) = pictures.read(["bel.png"])

    assert isinstance(error, RejectedError)
    assert (error.code, (tmp_path / "pictures").exists()) == ("picture_outside", False)
