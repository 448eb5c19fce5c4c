"""Pictures of articles, from the places that the settings name."""

from collections.abc import Sequence
from decimal import Decimal

from integration.connectors.limits import MEGABYTE, NetworkRoute
from integration.connectors.pictures import PictureLocations
from integration.connectors.pictures import PictureReader as Reader
from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.people import Right
from integration.core.records import Kind, Record
from integration.services.mappings.thumbnails import thumbnail
from integration.settings import Settings


class Pictures:
    """The pictures of one installation. Pictures that nobody requested for a season are deleted."""

    def __init__(self, settings: Settings) -> None:
        pictures, route = settings.pictures, settings.route(settings.pictures.address)
        places = PictureLocations(
            settings.data / "pictures",
            pictures.folder,
            pictures.address,
            int(pictures.megabytes * MEGABYTE),
            NetworkRoute(route["proxy"], route["certificates"]),
        )
        self._folder = places.store_folder
        self._reader = Reader(places)
        self._reader.remove_unused()

    def close(self) -> None:
        self._reader.close()

    @requires(Right.SEE)
    def thumbnail(self, content: str) -> bytes | None:
        """Return the thumbnail of a cached picture by the hash of its content, or None if it cannot be drawn."""
        return thumbnail(self._folder, content)

    def read(self, files: Sequence[str]) -> list[Record | IntegrationError]:
        """Return each picture with the hash and the size of its content, or the error, in the order of `files`."""
        return [
            picture
            if isinstance(picture, IntegrationError)
            else Record(Kind.PICTURE, file, {"content": picture.content, "size": Decimal(picture.size)})
            for file, picture in zip(files, self._reader.read(files), strict=True)
        ]
