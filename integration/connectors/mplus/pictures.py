"""Pictures as a target: one image of ours on the card of a product, beside the images of others.

Our image is recognized by its name, which contains our content hash: the vendor does not document its own hash.
"""

import base64
import re
from collections.abc import Sequence

from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.connectors.mplus.target import created_number, in_pages, not_at_till, till_numbers
from integration.connectors.pictures import MIME, load_picture
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.plan import Change
from integration.core.records import Batch, CurrentRecord, Kind, Record, WriteResult

CARD = {"cardType": "PRODUCT"}
OTHER = "image:"  # prefix of the id of an image of others
_OWN_FILE_NAME = re.compile(r"([0-9a-f]{32})\.(\w+)$")
LONGEST_NAME = 60  # length of the title in front of the content hash


class TillPictures:
    """The pictures of products of one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the picture of each product: the hash of ours, otherwise the first image of others, otherwise None.

        A card without any image is left out unless we have written to it before: nothing exists there yet.
        """
        references_of = {record.key: references.reference(Kind.PRODUCT, record.key) or "" for record in records}
        cards = self._cards(till_numbers(filter(None, references_of.values())))
        current = {}
        for record in records:
            number = references_of[record.key]
            if number not in cards:
                continue
            content = _content(cards[number])
            if content is not None or references.reference(Kind.PICTURE, record.key):
                current[record.key] = CurrentRecord(Record(Kind.PICTURE, record.key, {"content": content}), number)
        return current

    def _cards(self, numbers: Sequence[str]) -> dict[str, list[Element]]:
        """Return the images on the cards of products by product number, in display order."""

        def ask(page: Sequence[str]) -> list[Element]:
            answer = self._client.read("getCardImages", request={**CARD, "cardNumbers": list(page)})
            return list(answer.iterfind(qualified("items")))

        items = in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight) if numbers else []
        return {
            (item.findtext(qualified("cardNumber")) or "").strip(): list(item.iterfind(qualified("images")))
            for item in items
        }

    def calls(self, change: Change) -> int:
        """Return 1, plus 1 for a picture that must be uploaded first."""
        content = change.desired.values.get("content")
        return 1 if not content or str(content).startswith(OTHER) else 2

    def read_changes(self, since: str) -> Batch:  # noqa: ARG002
        """Raise RejectedError: the till does not report changes of images."""
        not_at_till(Kind.PICTURE)

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Put our picture first on the card in place of our previous one, or remove it; all other images stay.

        The till uploads a picture and puts it on the card in one call, so an upload whose answer was lost is found on
        the card and reused. The list of images is read right before it is replaced. Raises RejectedError where the till
        refuses the picture.
        """
        card = current.reference if current else references.reference(Kind.PRODUCT, change.key)
        if not card:
            raise RejectedError("needed_record_missing", system=SYSTEM, key=change.title, field="product")
        content = str(change.desired.values.get("content") or "")
        images = self._card_images(card)
        first = content.removeprefix(OTHER)
        if content and not content.startswith(OTHER):
            existing_id = next((_number(image) for image in images if _mark(image) == content), "")
            first = existing_id or self._upload(change, content, card)
            images = images if existing_id else self._card_images(card)
        ours = [image for image in images if _number(image) == first and _mark(image)]
        others = [image for image in images if _mark(image) is None]
        image_list = [{"imageId": _number(image), "labels": _labels(image)} for image in (*ours, *others)]
        if first and first not in {image["imageId"] for image in image_list}:
            image_list.insert(0, {"imageId": first, "labels": {}})
        self._client.write("saveCardImages", request={**CARD, "cards": [{"cardNumber": card, "images": image_list}]})
        return WriteResult(card)

    def _card_images(self, card: str) -> list[Element]:
        """Return the images of a card. Raises RejectedError where the product is gone."""
        images = self._cards([card]).get(card)
        if images is None:
            raise RejectedError("target_record_missing")
        return images

    def _upload(self, change: Change, content: str, card: str) -> str:
        """Upload a picture to the card and return its image id."""
        data, kind = load_picture(self._settings.pictures, content)
        request = {
            "imageName": f"{change.title[:LONGEST_NAME]} {content}.{kind}",
            "mimeType": MIME[kind],
            "imageData": base64.b64encode(data).decode("ascii"),
            "cardLink": {**CARD, "cardNumbers": [card]},
        }
        try:
            return created_number(self._client.write("createImage", request=request), "imageId")
        except RejectedError as error:
            refusal = RejectedError(
                error.code, **{**error.facts, "size": f"{len(data) / 1000000:.2f} MB", "found": kind.upper()}
            )
        raise refusal


def _number(image: Element) -> str:
    return (image.findtext(qualified("imageId")) or "").strip()


def _mark(image: Element) -> str | None:
    match = _OWN_FILE_NAME.search((image.findtext(qualified("originalName")) or "").strip())
    return match[1] if match else None


def _content(images: Sequence[Element]) -> str | None:
    ours = next((mark for image in images if (mark := _mark(image))), None)
    return ours or next((f"{OTHER}{_number(image)}" for image in images), None)


def _labels(image: Element) -> dict[str, list[str]]:
    return {"labelId": [label.text or "" for label in image.iterfind(f"{qualified('labels')}/{qualified('labelId')}")]}
