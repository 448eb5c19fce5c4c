"""The picture of a plan line is shown small, from the console's own copy."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image as Drawing
from streamlit.testing.v1.element_tree import Image

from integration.application.application import Application
from integration.core.plan_lines import LineFilter
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from tests.pages.conftest import Open, console_on, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of


@pytest.fixture
def application_with_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A console that reads pictures of a folder."""
    (tmp_path / "pictures").mkdir()
    monkeypatch.setenv("CONSOLE_PICTURES__FOLDER", str(tmp_path / "pictures"))
    yield from console_on(tmp_path / "data", monkeypatch, sandbox="true")


@pytest.mark.long
def test_a_picture_is_shown_small_in_its_line(
    application_with_pictures: Application, open_page: Open, tmp_path: Path
) -> None:
    Drawing.new("RGB", (300, 300), "green").save(tmp_path / "pictures" / "bel.png")
    till = sandbox_of(application_with_pictures)
    code = next(str(row["ART_CODE"]) for row in till.state("ARTICLE") if str(row["ART_CODE"]).isdecimal())
    till.accountview.edit("ARTICLE", code, {"K9_IMAGE": "bel.png"})
    application_with_pictures.flows.change("products", {"picture_field": "K9_IMAGE"}, make_actor("test"))
    run = wait_for_run(
        application_with_pictures,
        application_with_pictures.runs.preview(PreviewRequest("products", make_actor("test"), Mode.CHOSEN, (code,))),
    )
    (row,) = [
        line
        for line in application_with_pictures.plans.rows(run.id, "create", among=LineFilter())
        if line.kind is Kind.PICTURE
    ]

    test = open_page("preview", plan=run.id, show="create", record=str(row.seq))

    assert not test.exception
    (picture,) = test.get("image")
    assert isinstance(picture, Image)
    (address,) = picture.value
    assert not urlsplit(address).netloc, "it comes from this console, and from nowhere else"
    assert "/media/" in address
    assert picture.captions == ["Will be"]
