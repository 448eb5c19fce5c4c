"""Images at the built-in till: taken within its limits, and shown on a card in the order they were saved in."""

import base64

from integration.sandbox.server import Sandbox
from tests.sandbox.soap_client import RawClient

PNG = b"\x89PNG\r\n\x1a\n"


def create_image(till: RawClient, data: bytes, kind: str = "image/png", name: str = "bel.png") -> str:
    content = base64.b64encode(data).decode()
    fields = f"<imageName>{name}</imageName><mimeType>{kind}</mimeType><imageData>{content}</imageData>"
    return till.ask("createImage", fields).text("result")


def save(till: RawClient, card: int, *images: int) -> None:
    elements = "".join(f"<images><imageId>{image}</imageId><labels/></images>" for image in images)
    cards = f"<cards><cardNumber>{card}</cardNumber>{elements}</cards>"
    till.ask("saveCardImages", f"<cardType>PRODUCT</cardType>{cards}")


def names(sandbox: Sandbox, card: int) -> list[str]:
    rows = {row["cardNumber"]: row.get("images", []) for row in sandbox.state("images", "mplus")}
    return [str(image["originalName"]) for image in rows.get(card, [])]


def test_what_is_no_image_or_too_large_is_not_taken(till: RawClient) -> None:
    assert create_image(till, PNG + b"1") == "CREATE-IMAGE-OK"
    assert create_image(till, b"GIF89a", "image/gif") == "CREATE-IMAGE-NOT-SUPPORTED"
    assert create_image(till, b"text") == "CREATE-IMAGE-NOT-SUPPORTED"
    assert create_image(till, PNG + bytes(2_000_000)) == "CREATE-IMAGE-TOO-LARGE"


def test_a_card_has_the_images_that_were_saved_last_in_their_order(sandbox: Sandbox, till: RawClient) -> None:
    card = int(sandbox.state("products", "mplus")[0]["productNumber"])
    for name in ("een.png", "twee.png"):
        create_image(till, PNG + name.encode(), name=name)

    save(till, card, 2, 1)
    assert names(sandbox, card) == ["twee.png", "een.png"]

    save(till, card, 1)
    assert names(sandbox, card) == ["een.png"]


def test_a_person_puts_images_on_a_card(sandbox: Sandbox) -> None:
    card = sandbox.state("products", "mplus")[0]["productNumber"]
    sandbox.till.edit("images", str(card), {"names": ["etalage.jpg"]})

    assert names(sandbox, int(card)) == ["etalage.jpg"]
