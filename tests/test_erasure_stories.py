"""A person in both systems is erased: every byte of the data folder and of a restored backup is looked through."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.alerts.incidents import Problem, ProblemType
from integration.backup.create import make
from integration.backup.restore import restore_backup
from integration.core.errors import ConfigurationError, UnavailableError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.run import Mode
from integration.settings import Settings, load_settings
from integration.store.files import make_private
from tests.clocks import ShiftedClock
from tests.consoles import WHO, Console, open_application
from tests.planted_person import ADDRESS, ARTICLE, DEBTOR, ME, PLANTED, Shop
from tests.postgres import new_database_on, postgres_server
from tests.stores import stores_in

__all__ = ["postgres_server"]

PASSPHRASE = "correct horse battery"


def words_in_search(shop: Shop) -> set[str]:
    """Return which planted words lead to a record."""
    return {word for word in PLANTED if shop.application.search.records(word, "nl")}


@pytest.fixture(scope="module", params=[
        "small", *(pytest.param(variant, marks=pytest.mark.long) for variant in ("whole", "postgres", "year")),
    ])  # fmt: skip
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with the person and the article they order; or with everything, on PostgreSQL, or of a year."""
    data = tmp_path_factory.mktemp("data") / "data"
    with ExitStack() as closing:
        where: dict[str, Any] = {}
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_server")
            where["database_url"] = closing.enter_context(new_database_on(server))
        clock = ShiftedClock()
        application = closing.enter_context(
            open_application(data, machine=clock, sandbox=True, sandbox_articles=50, **where)
        )
        new_shop = Shop(Console(application), data, request.param == "whole", where.get("database_url", ""))
        new_shop.run("products", ARTICLE)
        new_shop.plant()
        if request.param == "year":
            new_shop.simulate_year(clock)
        yield new_shop


def at_home(shop: Shop) -> Settings:
    """Return the settings of a shop's console."""
    return load_settings(data=shop.data, **({"database_url": shop.url} if shop.url else {}))


@contextmanager
def empty_console(shop: Shop, data: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Return the settings of an empty console with the same type of database."""
    if not shop.url:
        yield load_settings(data=data)
        return
    with new_database_on(request.getfixturevalue("postgres_server")) as url:
        yield load_settings(data=data, database_url=url)


def restore_without_person(shop: Shop, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Restore the backup of before with the list and without it, and one that was made afterwards."""
    with empty_console(shop, tmp_path / "new", request) as settings:
        settings.data.mkdir()
        make_private(settings.data / "console.erased")
        (settings.data / "console.erased").write_bytes((shop.data / "console.erased").read_bytes())
        assert restore_backup(settings, tmp_path / "backup.zip", PASSPHRASE).erased == 1
        assert shop.hits(settings.data, settings.database_url.get_secret_value()) == {}
    with empty_console(shop, tmp_path / "without", request) as settings:
        assert restore_backup(settings, tmp_path / "backup.zip", PASSPHRASE).erased == 0
        assert shop.hits(settings.data, settings.database_url.get_secret_value())
    make(at_home(shop), tmp_path / "later.zip", PASSPHRASE, shop.application.log.copy)
    with empty_console(shop, tmp_path / "later", request) as settings:
        assert restore_backup(settings, tmp_path / "later.zip", PASSPHRASE).erased == 0
        assert shop.hits(settings.data, settings.database_url.get_secret_value()) == {}


@pytest.mark.long
def test_a_person_is_given_everything_and_erased_and_stays_so(
    shop: Shop, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    persons = shop.application.data_subjects
    assert shop.hits()
    make(at_home(shop), tmp_path / "backup.zip", PASSPHRASE, shop.application.log.copy)
    waiting = shop.console.preview("customers", "39001")
    customer = persons.customer(relation=shop.relation)
    assert (customer.debtor, customer.relation) == ("39001", shop.relation)

    personal_data = persons.stored_data(customer)
    assert {"links", "plan_lines", "corrections", "issues"} <= personal_data.rows.keys()
    assert personal_data.events > 5
    assert shop.order in {document.key for document in personal_data.documents}
    with zipfile.ZipFile(io.BytesIO(persons.access(customer, ME, "nl"))) as packed:
        export = json.loads(packed.read("person.json"))
        page = packed.read("person.html").decode()
    assert [word for word in PLANTED if word not in json.dumps(export, ensure_ascii=False)] == []
    assert [word for word in PLANTED if word not in page] == []
    others = {row["SUB_NR"]: row["ACCT_NAME"] for row in shop.console.sandbox.state("CONTACT")}
    assert [number for number, name in others.items() if number != "39001" and name in page] == []

    assert {"zwq@planted.example", "Zwiebelquast"} <= words_in_search(shop)
    before, documents = shop.sums(), personal_data.documents
    with pytest.raises(ConfigurationError) as refused:
        persons.erase(customer, "39002", ME)
    assert refused.value.code == "erase_unconfirmed"
    late = Problem(ProblemType.RECORDS, "debtor_unclear", "orders", facts={"name": DEBTOR["ACCT_NAME"]})

    stages: list[str] = []

    def reads_before(stage: str) -> None:
        stages.append(stage)
        if stages.count("files") == 1 and stage == "files":
            # The database is done the first time: whoever had read of them before writes it down now.
            stores_in(shop.application).incidents.begin(late, [])

    erasure_result = persons.erase(customer, "39001", ME, reads_before)

    assert erasure_result.remaining == {}
    assert shop.hits() == {}
    assert words_in_search(shop) == set()
    assert {run: counts for run, counts in shop.sums().items() if run != waiting.id} == {
        run: counts for run, counts in before.items() if run != waiting.id
    }
    after = persons.stored_data(customer)
    assert after.is_excluded
    assert after.documents == documents
    assert persons.unfinished() == []

    assert shop.run("customers", "39001")["39001"] == "person_erased"
    assert shop.run("orders", shop.order)[shop.order] == "person_erased"
    second_order = shop.console.till_client.order(ARTICLE, relation=shop.relation, deliveryAddress=ADDRESS)
    assert shop.run("orders", second_order)[second_order] == "document_of_erased"
    assert shop.console.waits("orders", "document_of_erased") == {second_order}
    shop.application.log.catch_up()
    assert shop.hits() == {}
    wrote = next(run for run in shop.application.runs.latest("customers", limit=100) if run.counts.proven)
    assert "39001" not in shop.console.lines(shop.console.undo(wrote))  # of what says nothing any more

    restore_without_person(shop, tmp_path, request)

    assert persons.lift(customer, ME)
    assert shop.console.lines(shop.console.preview("customers", "39001"))["39001"].cause != "person_erased"


def test_erasing_waits_for_a_run_and_is_finished_later(shop: Shop) -> None:
    persons, stores = shop.application.data_subjects, stores_in(shop.application)
    customer = persons.customer(debtor="39001")
    run = stores.runs.begin("stock", Mode.CHANGES, WHO, 1).id
    with pytest.raises(UnavailableError) as refused:
        persons.erase(customer, "39001", ME, patience=0)
    assert refused.value.facts["run"] == run
    assert persons.stored_data(customer).is_excluded
    assert len(persons.unfinished()) == 1
    assert persons.page("") == ""
    assert len(persons.unfinished()) == 1
    stores.runs.discard(run, WHO)
    late = []

    def begins_meanwhile(stage: str) -> None:  # a run that begins before all is erasure_result out, and may have read
        if stage == "database":
            late.append(stores.runs.begin("stock", Mode.CHANGES, WHO, 1).id)

    with pytest.raises(UnavailableError) as refused:
        persons.erase(customer, "39001", ME, begins_meanwhile, patience=0)
    assert refused.value.facts["run"] == late[0]
    met = IssueOccurrence(
        Issue("price_charged_otherwise", "39001", "10", {"key": DEBTOR["ACCT_NAME"]}), "relation", "Zwiebelquast"
    )
    stores.issues.store_check_result("customers", [], (), [met])  # a record of theirs, kept after the first sweep
    stores.runs.discard(late[0], WHO)
    persons.page("")
    assert persons.unfinished() == []
    assert shop.hits() == {}
