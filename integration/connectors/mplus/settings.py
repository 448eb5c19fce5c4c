"""Settings of one MplusKASSA installation."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_core import PydanticCustomError

from integration.connectors.limits import AddressIfAny, Megabytes, PerSecond
from integration.connectors.system_settings import SystemSettings
from integration.core.connections import parse_address

SYSTEM = "MplusKASSA"
USUAL_ADDRESS = "https://api.mpluskassa.nl"


def _address(url: str) -> str:
    address = parse_address(url)
    if address is None or not address.bare:
        raise PydanticCustomError("expected_address_port", "expected_address_port")
    if not address.is_safe:
        raise PydanticCustomError("expected_https", "expected_https")
    return f"{str(address).rstrip('/')}/"


class MplusAccess(BaseModel):
    """Access to MplusKASSA from environment variables; empty values come from the console's set-up."""

    url: AddressIfAny = ""
    ident: str = ""
    secret: SecretStr = SecretStr("")
    in_flight: int | None = Field(default=None, ge=1, le=8)
    membership: Literal["product", "calls"] | None = None
    days_back: int | None = Field(default=None, ge=0, le=3660)
    per_second: PerSecond | None = None
    answer_megabytes: Megabytes | None = None


class MplusSettings(SystemSettings):
    """Address, credentials and behaviour of one MplusKASSA installation.

    The port identifies the customer: every installation has its own at the vendor's host.
    """

    url: Annotated[str, AfterValidator(_address)]
    ident: str = Field(repr=False)
    secret: SecretStr

    in_flight: int = Field(default=4, ge=1, le=8)
    per_second: PerSecond = 50  # the vendor names no limit

    page_articles: int = Field(default=250, ge=1, le=1000)  # larger pages only take longer to read
    document_page: int = Field(default=200, ge=1, le=1000)  # documents in one answer
    # A document with a lower marker than the last one read can still become visible afterwards.
    document_overlap: int = Field(default=25, ge=0, le=10_000)
    days_back: int = Field(default=92, ge=0, le=3660)  # older days are not read again, so later changes are missed
    page_relations: int = Field(default=1000, ge=1, le=1000)  # the till returns no more at once
    employee_number: int = 999999  # the superuser, according to a vendor of another integration
    minimum_version: str = "10.0.0"  # older versions did not count articles in pages and lost changes

    # Choices that the vendor's documents leave open. Each default agrees with the built-in sandbox and the vendor's own
    # examples; the read-back after every write reveals an installation that behaves otherwise.
    membership: Literal["product", "calls"] = "product"  # in the product's own lists, or by one call per group
    retire_with: Literal["active", "discontinued"] = "active"  # the flag that takes an article off sale
    leading_price: Literal["incl", "excl"] = "incl"  # the price that stays when only the VAT code changes
    stock_counts: Literal["free", "free_and_reserved"] = "free"  # the quantity that a level is read back from
    discounts_in: Literal["percent", "hundredths"] = (
        "percent"  # the unit of a relation's discount, and of prices for groups
    )
    determine_pricing: bool = True  # whether the till is asked to calculate customer prices, if it can
    pictures: Path | None = None  # where pictures are stored until they are written
    top_group: int = 0  # parent number of a group without a parent

    @property
    def host_shown(self) -> str:
        """Host and port as people may see them."""
        return urlsplit(self.url).netloc
