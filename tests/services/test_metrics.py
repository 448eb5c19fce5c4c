"""The numbers of the console as a monitor reads them."""

from integration.services.metrics import Gauge, exposition


def test_gauges_are_told_with_what_they_mean_and_their_labels() -> None:
    told = exposition(
        [Gauge("parked", "Records that wait.", {'flow="products"': 21}), Gauge("waiting", "Events.", {"": 0})]
    )

    assert told == (
        '# HELP parked Records that wait.\n# TYPE parked gauge\nparked{flow="products"} 21\n'
        "# HELP waiting Events.\n# TYPE waiting gauge\nwaiting 0\n"
    )
