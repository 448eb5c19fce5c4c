"""Pictures from the books to the till: planned, sent once, read back, refused alone, and taken away again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.run import Run
from integration.core.states import RunState
from integration.settings import PictureSources
from tests.consoles import Console, open_application
from tests.people import make_actor

PNG, JPG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Console]:
    """A shop whose articles are at the till, and whose flow reads pictures."""
    places = PictureSources(folder=folder, megabytes=3)
    with open_application(
        tmp_path_factory.mktemp("data"), sandbox=True, sandbox_articles=64, pictures=places
    ) as application:
        new_console = Console(application)
        new_console.run("products")
        application.flows.change("products", {"picture_field": "K9_IMAGE"}, make_actor("test"))
        yield new_console


@pytest.fixture(scope="module")
def codes(console: Console) -> list[str]:
    """Articles that are a product each, linked."""
    rows = console.sandbox.state("products", "mplus")
    alone = [row["articleList"][0] for row in rows if len(row["articleList"]) == 1]
    return [str(article["extArticleId"]) for article in alone if article.get("extArticleId")]


def product(console: Console, code: str) -> int:
    rows = console.sandbox.state("products", "mplus")
    return next(
        int(row["productNumber"]) for row in rows
        if any(article.get("extArticleId") == code for article in row["articleList"])
    )  # fmt: skip


def names(console: Console, code: str) -> list[str]:
    """Return the names of the images on the card of an article's product, in their order."""
    cards = {card["cardNumber"]: card.get("images", []) for card in console.sandbox.state("images", "mplus")}
    return [str(image["originalName"]) for image in cards.get(product(console, code), [])]


def picture(console: Console, folder: Path, code: str, file: str, data: bytes = b"") -> None:
    if data:
        (folder / file).write_bytes(data)
    console.sandbox.accountview.edit("ARTICLE", code, {"K9_IMAGE": file})


def pictures(console: Console, run: Run) -> dict[str, Action]:
    return {row.key: row.action for row in console.lines(run).values() if row.kind is Kind.PICTURE}


def sent_count(console: Console) -> int:
    return sum(call.operation == "createImage" for call in console.sandbox.ledger.calls("mplus"))


def sends(console: Console, run: Run) -> dict[str, Action]:
    """Return the pictures that a plan sends, without the parked and reverted ones of other stories."""
    lines = console.lines(run).values()
    return {row.key: row.action for row in lines if row.kind is Kind.PICTURE and not row.cause}


def test_a_picture_is_sent_once_and_new_content_replaces_it_beside_pictures_of_others(
    console: Console, folder: Path, codes: list[str]
) -> None:
    code, before = codes[0], sent_count(console)
    picture(console, folder, code, "bel.png", PNG + b"one")

    plan = console.preview("products")
    assert (sends(console, plan), sent_count(console)) == ({code: Action.CREATE}, before)
    run = console.commit(plan)

    assert run.counts.parked == plan.counts.parked
    assert len(names(console, code)) == sent_count(console) - before == 1
    second_run = console.run("products")
    assert (sends(console, second_run), sent_count(console) - before) == ({}, 1)

    ours = names(console, code)
    console.sandbox.till.edit("images", str(product(console, code)), {"names": [*ours, "etalage.jpg"]})
    picture(console, folder, code, "bel.png", PNG + b"two")

    console.run("products")

    first, second = names(console, code)
    assert (first not in ours, first.endswith(".png"), second) == (True, True, "etalage.jpg")


def test_a_picture_that_cannot_be_sent_waits_alone(console: Console, folder: Path, codes: list[str]) -> None:
    bad = {
        codes[1]: ("../elders.png", b"", "picture_outside"),
        codes[2]: ("weg.png", b"", "picture_missing"),
        codes[3]: ("tekst.png", b"no picture at all", "picture_unsupported"),
        codes[4]: ("groot.jpg", JPG + bytes(3_000_001), "picture_too_large"),
    }
    (folder.parent / "elders.png").write_bytes(PNG)
    for code, (file, data, _) in bad.items():
        picture(console, folder, code, file, data)
    console.sandbox.accountview.edit("ARTICLE", codes[1], {"ART_DESC1": "Bel met een andere naam"})

    run = console.run("products")

    for code, (_, _, cause) in bad.items():
        assert code in console.waits("products", cause)
        assert names(console, code) == []
    assert run.counts.proven >= 1  # the article goes on
    rows = console.sandbox.state("articles", "mplus")
    assert any(row["description"] == "Bel met een andere naam" for row in rows)


@pytest.mark.parametrize(
    ("file", "data"),
    [pytest.param("groot.png", PNG + bytes(2_500_000), marks=pytest.mark.long), ("beweegt.gif", GIF)],
)
def test_what_the_till_refuses_waits_with_what_it_said_and_goes_once_it_is_repaired(
    console: Console, folder: Path, codes: list[str], file: str, data: bytes
) -> None:
    code = codes[5]
    picture(console, folder, code, file, data)

    console.run("products")

    assert code in console.waits("products", "picture_refused")
    (group,) = [
        cause_group for cause_group in console.application.issues.causes() if cause_group.cause == "picture_refused"
    ]
    assert {"size", "found", "message"} <= group.facts.keys()
    picture(console, folder, code, file.replace("gif", "png"), PNG + b"klein")
    console.retry("products", "picture_refused")
    assert code not in console.waits("products", "picture_refused")
    assert len(names(console, code)) == 1
    picture(console, folder, code, "")
    console.run("products")
    assert names(console, code) == []


def test_a_picture_that_somebody_took_away_at_the_till_stays_away(
    console: Console, folder: Path, codes: list[str]
) -> None:
    code = codes[7]
    picture(console, folder, code, "bel.png", PNG + b"one")
    console.run("products")
    console.sandbox.till.edit("images", str(product(console, code)), {"names": ["etalage.jpg"]})

    assert code not in pictures(console, console.run("products"))

    picture(console, folder, code, "bel.png", PNG + b"three")
    run = console.run("products")
    assert pictures(console, run)[code] is Action.PARK  # both changed: a person says which counts
    assert names(console, code) == ["etalage.jpg"]


@pytest.mark.long
def test_an_undo_takes_a_picture_away_again_and_the_next_run_leaves_it_away(
    console: Console, folder: Path, codes: list[str]
) -> None:
    code = codes[6]
    picture(console, folder, code, "zadel.png", PNG + b"zadel")
    run = console.run("products")
    assert len(names(console, code)) == 1

    back = console.commit(console.undo(run))

    assert (back.state, names(console, code)) == (RunState.DONE, [])
    plan = console.preview("products")
    assert {row.cause for row in console.lines(plan).values() if row.kind is Kind.PICTURE and row.key == code} == {
        "value_reverted"
    }
