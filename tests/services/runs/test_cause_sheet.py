"""The facts of an issue group, merged over all its issues where the cause lists them."""

from datetime import UTC, datetime

import pytest

from integration.core.causes import grouping_detail
from integration.core.issues import CauseGroup, Issue, IssueState, OpenIssue
from integration.services.runs.cause_sheet import with_listed_facts

MET = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ARTICLES = ("10054, 10133", "10054, 10344", "10133")


@pytest.mark.parametrize("cause", ["article_missing", "article_not_linked"])
def test_documents_with_different_missing_articles_form_one_group_that_names_each_article_once(cause: str) -> None:
    issues = [Issue(cause, f"order-{number}", facts={"article": codes}) for number, codes in enumerate(ARTICLES)]
    group = CauseGroup("orders", cause, "line.article", len(issues), MET, MET, issues[-1].facts)

    assert {grouping_detail(issue.cause, issue.facts) for issue in issues} == {""}
    merged = with_listed_facts(
        group, lambda: [OpenIssue(1, "orders", issue, "", IssueState.OPEN, MET, MET, 1, "run") for issue in issues]
    )
    assert merged.facts["article"] == "10054, 10133, 10344"
