"""Retention periods as a person sets them, and as the nightly task applies them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError, UnavailableError
from integration.core.retention import CLASSES, Country, Retention
from integration.retention.service import LAST, ORDER
from integration.store.events import Event
from tests.consoles import open_application
from tests.people import make_actor
from tests.retention.store.test_rows import a_done
from tests.store.samples import a_create
from tests.stores import stores_in


def test_lengths_are_kept_with_who_set_them_and_what_the_law_says(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        service = application.retention
        assert service.lengths_in_force() == Retention()
        service.change(Retention(Country.DE, False, {"plans": 3}), make_actor("anna"))
        assert service.lengths_in_force() == Retention(Country.DE, False, {"plans": 3})
        assert {status.name: status.length for status in service.class_statuses()} | {
            "plans": 3,
            "books": 10,
            "vouchers": 8,
        } == {status.name: status.length for status in service.class_statuses()}


def test_what_is_shorter_than_the_law_is_refused_unless_the_person_knows(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        service, new_retention = application.retention, Retention(Country.NL, False, {"books": 5})
        with pytest.raises(ConfigurationError) as refused:
            service.change(new_retention, make_actor("anna"))
        assert (refused.value.code, refused.value.facts["least"]) == ("retention_too_short", "7")
        assert service.lengths_in_force() == Retention()
        service.change(new_retention, make_actor("anna"), knowing=True)
        assert service.lengths_in_force() == new_retention
        with pytest.raises(ConfigurationError) as impossible:
            service.change(Retention(lengths={"plans": 0}), make_actor("anna"), knowing=True)
        assert impossible.value.code == "setting_invalid"


def test_nonsense_that_is_stored_counts_as_nothing(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        values = {"country": "xx", "oss": "yes", "lengths": {"plans": "long", "poems": 3, "log": 999}}
        stores_in(application).settings.put("retention", values, "anna")
        assert application.retention.lengths_in_force() == Retention()


def test_the_night_goes_through_every_class_and_leaves_the_lease(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        stores = stores_in(application)
        later = stores.database
        a_done(stores.runs, *(a_create(number) for number in range(3)))
        stores.events.record(Event(event="setting_changed", key="x"))
        places, position = [], application.retention.page("")
        while position:
            places.append(position)
            position = application.retention.page(position)
        assert places == list(ORDER[1:])
        assert application.retention.last_pruning() is not None
        assert stores.leases.holder("retention") is None
        assert later.instance == stores.database.instance


def test_one_process_at_a_time_is_at_it(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        leases = stores_in(application).leases
        assert leases.try_take("retention", "another", 60)
        with pytest.raises(UnavailableError) as refused:
            application.retention.prune()
        assert refused.value.code == "retention_at_work"
        assert application.retention.page("") == ""
        assert stores_in(application).settings.get(LAST) is None
        leases.release("retention", "another")
        assert set(application.retention.prune()) == {retention_class.name for retention_class in CLASSES}


def test_the_log_is_pruned_by_whoever_has_it(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=False, serves=True) as application:
        assert application.retention.count_expired_rows("log") == 0
        assert application.retention.prune()["log"] == 0
        assert next(status for status in application.retention.class_statuses() if status.name == "log").size


def test_it_is_done_next_in_the_coming_night(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        due = application.retention.next_pruning()
        assert (due.hour, due.minute) == (3, 47)
        assert timedelta() < due - datetime.now(UTC) <= timedelta(days=1, hours=1)


def test_a_file_is_reported_with_its_free_room(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        (file,) = application.retention.files()
        assert (file.name, file.size > 0, file.free) == ("console.sqlite", True, 0)
