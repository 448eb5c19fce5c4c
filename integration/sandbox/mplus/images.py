"""Images of product cards. The formats and sizes that a real till accepts are not published: both are conventions."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.context import Handler, TillContext
from integration.sandbox.mplus.contract import RefusedError, WireFields

PRODUCT = "PRODUCT"
_SIGNS: Mapping[str, bytes] = {
    "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/gif": b"GIF8", "image/webp": b"RIFF",
}  # fmt: skip


class Images:
    """Images of one till, and their order on the card of each product. Other cards have none."""

    def __init__(self, context: TillContext, catalogue: Catalogue) -> None:
        self._context = context
        self._catalogue = catalogue
        self._images: dict[int, WireFields] = {}
        self._cards: dict[int, list[WireFields]] = {}

    def operations(self) -> dict[str, Handler]:
        return {
            "createImage": lambda request: self._create(request.child("request")),
            "getCardImages": lambda request: self._images_of_cards(request.child("request")),
            "saveCardImages": lambda request: self._save(request.child("request")),
        }

    def state(self) -> list[dict[str, object]]:
        """Return the images of each card."""
        contract = self._context.contract
        return [contract.plain("CardImageData", self._card(number)) for number in self._cards]

    def put(self, card: int, names: Sequence[str]) -> None:
        """Give a card images with these names, as a person at the till would; existing images stay."""
        images_by_name = {image.text("originalName"): image for image in self._cards.get(card, ())}
        self._cards[card] = [images_by_name.get(name) or self._make_image(name, name.encode()) for name in names]

    def _create(self, ask: WireFields) -> WireFields:
        conventions, kind = self._context.conventions, ask.text("mimeType")
        try:
            content = base64.b64decode(ask.text("imageData"), validate=True)
        except binascii.Error:
            raise RefusedError("imageData is not base64") from None
        if kind not in conventions.image_types or not content.startswith(_SIGNS.get(kind, b"")):
            return self._create_answer("NOT-SUPPORTED", f"{kind} is not supported")
        if len(content) > conventions.image_bytes:
            return self._create_answer("TOO-LARGE", f"{len(content)} bytes, at most {conventions.image_bytes}")
        link = ask.child("cardLink")
        cards = link.numbers("cardNumbers") if link.text("cardType") == PRODUCT else []
        if strange := [number for number in cards if number not in self._catalogue.products]:
            raise RefusedError(f"Product {strange[0]} does not exist")
        image = self._make_image(ask.text("imageName"), content)
        for number in cards:  # added to the existing ones, as the contract says; it does not define their position
            self._cards.setdefault(number, []).append(image)
        values = {name: image.text(name) for name in ("imageId", "imageHash", "imageUrl")}
        return self._context.build("CreateImageResponse", {"result": "CREATE-IMAGE-OK", **values})

    def _create_answer(self, result: str, message: str) -> WireFields:
        values: dict[str, Any] = {"result": f"CREATE-IMAGE-{result}", "imageId": 0, "imageHash": "", "imageUrl": ""}
        return self._context.build("CreateImageResponse", {**values, "errorMsg": message})

    def _make_image(self, name: str, content: bytes) -> WireFields:
        number = self._context.count("image")
        image = self._context.build(
            "ImageData",
            {
                "imageId": number,
                "imageHash": hashlib.md5(content, usedforsecurity=False).hexdigest(),
                "imageUrl": f"/images/{number}",
                "originalName": name,
                "imageWidth": 0,
                "imageHeight": 0,
                "labels": [],
                "created": self._context.now.isoformat(),
                "modified": self._context.now.isoformat(),
            },
        )
        self._images[number] = image
        return image

    def _images_of_cards(self, ask: WireFields) -> WireFields:
        numbers = ask.numbers("cardNumbers") if ask.text("cardType") == PRODUCT else []
        products = [number for number in numbers if number in self._catalogue.products]
        return WireFields([("items", self._card(number)) for number in products])

    def _card(self, number: int) -> WireFields:
        return WireFields([("cardNumber", str(number)), *(("images", image) for image in self._cards.get(number, ()))])

    def _save(self, ask: WireFields) -> WireFields:
        for card in ask.children("cards") if ask.text("cardType") == PRODUCT else ():
            number, image_ids = (
                card.number("cardNumber"),
                [image.number("imageId") for image in card.children("images")],
            )
            if number not in self._catalogue.products:
                raise RefusedError(f"Product {number} does not exist")
            if strange := [image_id for image_id in image_ids if image_id not in self._images]:
                raise RefusedError(f"Image {strange[0]} does not exist")
            self._cards[number] = [self._images[image_id] for image_id in image_ids]
        return WireFields()
