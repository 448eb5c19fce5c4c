"""The picture of a product from its articles: the first one, and none if no field is named."""

from collections.abc import Sequence
from decimal import Decimal

from integration.core.errors import IntegrationError, RejectedError
from integration.core.records import Kind, Record
from integration.core.staged_records import StagedRecord
from integration.flows.products.pictures import ProductPictures, product_picture
from tests.builders import an_article

ASKED: list[Sequence[str]] = []


def read(files: Sequence[str]) -> list[Record | IntegrationError]:
    ASKED.append(files)
    return [
        RejectedError("picture_missing", file=file)
        if file == "weg.png"
        else Record(Kind.PICTURE, file, {"content": f"mark of {file}", "size": Decimal(3)})
        for file in files
    ]


SENT = {"TRUI": Record(Kind.PICTURE, "TRUI", {"content": "mark of before"})}


def stage_pictures(*files: str, field: str = "IMG") -> list[StagedRecord]:
    """Return the staged articles of one product, with these names of picture files."""
    pictures = ProductPictures(field, read, lambda keys: {key: SENT[key] for key in keys if key in SENT})
    articles = [an_article(str(place), IMG=file) for place, file in enumerate(files)]
    return pictures.staged(articles, lambda _: "TRUI")


def content(*files: str) -> object:
    desired = product_picture(stage_pictures(*files)).desired
    return desired.values["content"] if desired else "nothing to do"


def test_the_first_article_that_has_one_gives_the_picture() -> None:
    assert content("", "rood.png", "blauw.png") == "mark of rood.png"


def test_one_name_is_read_once_for_all_articles() -> None:
    ASKED.clear()
    stage_pictures("rood.png", "rood.png", "")
    assert ASKED == [["rood.png"]]


def test_a_picture_goes_once_no_article_names_one() -> None:
    assert content("", "") is None


def test_nothing_is_wanted_where_none_was_sent() -> None:
    pictures = ProductPictures("IMG", read)
    assert pictures.staged([an_article("1", IMG=" ")], lambda record: record.key) == []


def test_one_that_cannot_be_read_waits_and_takes_nothing_away() -> None:
    target_record = product_picture(stage_pictures("weg.png", ""))

    assert target_record.desired is None
    (issue,) = target_record.parked
    assert (issue.cause, issue.key, issue.field, issue.facts["file"]) == ("picture_missing", "0", "picture", "weg.png")
    assert content("weg.png", "blauw.png") == "mark of blauw.png"


def test_without_a_field_nothing_is_read() -> None:
    ASKED.clear()
    assert (stage_pictures("rood.png", field=""), ASKED) == ([], [])
