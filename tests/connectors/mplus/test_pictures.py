"""Pictures on cards of the till sandbox: ours in front, those of others unchanged, refusals with their size."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.connectors.pictures import Picture, PictureLocations, PictureReader
from integration.core.errors import InDoubtError, RejectedError
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox
from tests.builders import a_create, an_update
from tests.connectors.mplus.tills import a_till
from tests.fakes import Links

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def till(sandbox: Sandbox, tmp_path: Path) -> Iterator[Mplus]:
    """A connection that finds stored pictures."""
    connector = a_till(sandbox, pictures=tmp_path / "kept")
    yield connector
    connector.close()


@pytest.fixture
def card(sandbox: Sandbox, links: Links) -> str:
    """The number of a product that we know as BEL, with no image on its card."""
    number = str(sandbox.state("products", "mplus")[0]["productNumber"])
    sandbox.till.edit("images", number, {"names": []})
    links.references[Kind.PRODUCT, "BEL"] = number
    return number


def keep_picture(tmp_path: Path, data: bytes) -> str:
    """Store a picture, and return the mark of its content."""
    (tmp_path / "in.png").write_bytes(data)
    (picture,) = PictureReader(PictureLocations(tmp_path / "kept", tmp_path)).read(["in.png"])
    assert isinstance(picture, Picture)
    return picture.content


def bell(content: Value) -> Record:
    return Record(Kind.PICTURE, "BEL", {"content": content})


def look_up_product(till: Mplus, links: Links) -> CurrentRecord | None:
    return till.lookup([bell(None)], links).get("BEL")


def write(till: Mplus, links: Links, content: Value) -> None:
    """Write as a plan would, and keep the link."""
    current = look_up_product(till, links)
    change = an_update(current.record, content=content) if current else a_create(bell(content))
    links.references[Kind.PICTURE, "BEL"] = till.write(change, current, links, "t").reference


def card_images(sandbox: Sandbox, card: str) -> list[dict[str, object]]:
    rows = {str(row["cardNumber"]): row.get("images", []) for row in sandbox.state("images", "mplus")}
    return list(rows[card])


def test_nothing_is_held_of_a_card_without_images_until_we_wrote_to_it(
    till: Mplus, links: Links, card: str, tmp_path: Path
) -> None:
    assert look_up_product(till, links) is None
    content = keep_picture(tmp_path, PNG + b"1")
    write(till, links, content)
    now = look_up_product(till, links)
    assert now is not None
    assert (now.record.values["content"], now.reference) == (content, card)

    write(till, links, None)

    now = look_up_product(till, links)
    assert now is not None
    assert now.record.values["content"] is None


def test_what_others_put_on_the_card_stays_behind_ours_and_comes_back(
    till: Mplus, sandbox: Sandbox, links: Links, card: str, tmp_path: Path
) -> None:
    sandbox.till.edit("images", card, {"names": ["etalage.jpg", "achter.jpg"]})
    before = look_up_product(till, links)
    assert before is not None
    content = before.record.values["content"]
    assert content == f"image:{card_images(sandbox, card)[0]['imageId']}"

    write(till, links, keep_picture(tmp_path, PNG + b"2"))
    assert [image["originalName"] for image in card_images(sandbox, card)][1:] == ["etalage.jpg", "achter.jpg"]

    write(till, links, content)
    assert [image["originalName"] for image in card_images(sandbox, card)] == ["etalage.jpg", "achter.jpg"]


def test_a_refused_picture_is_reported_with_its_size_and_leaves_the_card_alone(
    till: Mplus, sandbox: Sandbox, links: Links, card: str, tmp_path: Path
) -> None:
    content = keep_picture(tmp_path, PNG + bytes(2_000_000))

    with pytest.raises(RejectedError) as caught:
        write(till, links, content)

    assert caught.value.code == "picture_refused"
    assert (caught.value.facts["size"], caught.value.facts["found"]) == ("2.00 MB", "PNG")
    assert "at most 2000000" in caught.value.facts["message"]
    assert card_images(sandbox, card) == []


def test_a_picture_that_is_kept_no_more_is_not_sent(till: Mplus, sandbox: Sandbox, links: Links, card: str) -> None:
    with pytest.raises(RejectedError, match="picture_gone"):
        write(till, links, "0" * 32)
    assert (sandbox.ledger.writes(), card_images(sandbox, card)) == ([], [])


def test_a_product_that_is_missing_has_no_card(till: Mplus, links: Links, tmp_path: Path) -> None:
    assert look_up_product(till, links) is None
    with pytest.raises(RejectedError, match="needed_record_missing"):
        write(till, links, keep_picture(tmp_path, PNG))


def test_a_lost_answer_leaves_it_open_and_a_look_tells(
    till: Mplus, sandbox: Sandbox, links: Links, card: str, tmp_path: Path
) -> None:
    assert card
    content = keep_picture(tmp_path, PNG + b"3")
    with (
        sandbox.switches.armed(Fault.CUT_AFTER, system="mplus", operation="saveCardImages"),
        pytest.raises(InDoubtError),
    ):
        write(till, links, content)

    now = look_up_product(till, links)
    assert now is not None
    assert now.record.values["content"] == content


@pytest.mark.parametrize("before", [(), ("etalage.jpg",)])
def test_a_picture_that_was_taken_in_without_an_answer_is_found_on_the_card_and_used(
    till: Mplus, sandbox: Sandbox, links: Links, card: str, tmp_path: Path, before: tuple[str, ...]
) -> None:
    write(till, links, keep_picture(tmp_path, PNG + b"old"))
    sandbox.till.edit(
        "images", card, {"names": [*(str(image["originalName"]) for image in card_images(sandbox, card)), *before]}
    )
    content = keep_picture(tmp_path, PNG + b"4")
    with (
        sandbox.switches.armed(Fault.CUT_AFTER, system="mplus", operation="createImage"),
        pytest.raises(InDoubtError),
    ):
        write(till, links, content)
    sandbox.ledger.clear()

    write(till, links, content)

    assert [call.operation for call in sandbox.ledger.writes()] == ["saveCardImages"]
    names = [str(image["originalName"]) for image in card_images(sandbox, card)]
    assert names[0].endswith(f"{content}.png")
    assert names[1:] == list(before), "the one before is gone, those of others stay"


def test_the_number_of_calls_is_that_of_the_button(till: Mplus) -> None:
    calls = [till.calls(an_update(bell(None), content=content)) for content in ("0" * 32, "image:5", None)]
    assert calls == [2, 1, 1]
