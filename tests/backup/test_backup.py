"""A backup taken during a commit, restored elsewhere: runs continue, and nothing is doubled or reported twice."""

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from integration.application.application import Application
from integration.backup.create import make
from integration.backup.restore import restore_backup, verify_backup
from integration.core.errors import PlanStaleError
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.sandbox.server import Sandbox, running
from tests.backup.conftest import PASSPHRASE, at_work, settings_of
from tests.consoles import WHO, wait_for_run
from tests.people import make_actor
from tests.timeouts import wait_until


def approve_run(application: Application, run: Run) -> None:
    confirmed = {brake.code: brake.count for brake in run.brakes}
    application.runs.commit(run.id, Approval(run.fingerprint, WHO, confirmed=confirmed))


def count_till_articles(shop: Sandbox) -> Counter[str]:
    """Return how often the till has each article of the books."""
    return Counter(str(row["extArticleId"]) for row in shop.state("articles", "mplus") if row.get("extArticleId"))


@pytest.mark.long
def test_a_backup_under_load_is_restored_elsewhere_and_its_run_goes_on_once_both_systems_were_compared(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    with running(articles=60) as shop:
        old = settings_of(tmp_path / "old", shop, urls[0], pace=6)
        with at_work(old) as application:
            run = wait_for_run(application, application.runs.preview(PreviewRequest("products", make_actor(WHO))))
            approve_run(application, run)
            wait_until(lambda: application.runs.get(run.id).counts.proven > 0, "the first proof")
            manifest = make(old, file, PASSPHRASE, application.log.copy)
            finished_run = wait_for_run(application, run.id)
            assert (finished_run.state, finished_run.counts.difference) == (RunState.DONE, 0)
        article_counts, writes = count_till_articles(shop), shop.ledger.counts()["writes"]
        assert set(article_counts.values()) == {1}

        assert verify_backup(file, PASSPHRASE).key
        new = settings_of(tmp_path / "new", shop, urls[1])
        assert restore_backup(new, file, PASSPHRASE).events == manifest.events
        with at_work(new) as application:
            wait_until(lambda: application.runs.get(run.id).state not in ACTIVE, "a stop")
            stopped = application.runs.get(run.id)
            assert (stopped.state, stopped.error) == (RunState.INTERRUPTED, "installation_moved")
            application.installation.confirm(application.installation.status().code, make_actor(WHO))
            with pytest.raises(PlanStaleError, match="restored_not_compared"):
                application.runs.resume(run.id, make_actor(WHO))
            assert shop.ledger.counts()["writes"] == writes

            looks = application.drift.check_all()
            assert [(check.error, check.counts.missing) for check in looks] == [("", 0)] * len(looks)
            application.runs.resume(run.id, make_actor(WHO))
            over = wait_for_run(application, run.id)
            assert (over.state, over.counts.difference) == (RunState.DONE, 0)
            second_run = wait_for_run(
                application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.COMPLETE))
            )
            assert (second_run.counts.unchanged, second_run.counts.planned) == (
                finished_run.counts.proven,
                0,
            )  # it knows them again
        assert shop.ledger.counts()["writes"] == writes
        assert count_till_articles(shop) == article_counts
    assert doubled_events(tmp_path / "new") == []


def doubled_events(data: Path) -> list[object]:
    """Return the events that the log has twice under one id, and the proofs that a run has twice."""
    query = "SELECT run, kind, key, event FROM events WHERE event IN ('proven', 'planned') GROUP BY ALL"
    with duckdb.connect(str(data / "log.duckdb"), read_only=True) as log:
        ids = log.execute("SELECT instance, id FROM events GROUP BY ALL HAVING count(*) > 1").fetchall()
        return [*ids, *log.execute(f"{query} HAVING count(*) > 1").fetchall()]
