"""Documents that may be in several objects of the books."""

from integration.connectors.accountview.places import merge_places
from integration.core.records import Held
from tests.connectors.accountview.samples import a_posting


def test_what_two_places_have_under_different_numbers_is_two_documents() -> None:
    first, same, second = (Held(a_posting("643"), number) for number in ("7", "7", "8"))
    assert merge_places({"643": first}, {"643": same}) == {"643": first}
    assert merge_places({"643": first}, {"643": second})["643"].others == ("8",)
    assert merge_places({}, {"643": second}) == {"643": second}
