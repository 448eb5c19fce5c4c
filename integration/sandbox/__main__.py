"""`python -m integration.sandbox`: runs both systems until a signal arrives."""

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from integration.process.signals import interruption_waiter
from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from integration.sandbox.accountview.app import MAIN_COMPANY
from integration.sandbox.server import Sandbox, opening_day, running


def main() -> None:
    """Start both systems, print their addresses as one line of JSON, and wait for a signal."""
    arguments = _arguments()
    until_interrupted = interruption_waiter()
    with running(
        articles=arguments.articles,
        seed=arguments.seed,
        today=arguments.today,
        orders=arguments.orders,
        accountview_port=arguments.accountview_port,
        mplus_port=arguments.mplus_port,
        journal=arguments.journal,
        token_seconds=arguments.token_seconds,
        lenient=arguments.lenient,
    ) as sandbox:
        sys.stdout.write(json.dumps(_system_addresses(sandbox)) + "\n")
        sys.stdout.flush()
        until_interrupted()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m integration.sandbox", description=__doc__)
    parser.add_argument("--articles", type=int, default=400, help="size of the shop")
    parser.add_argument("--orders", type=int, default=60, help="orders at the till")
    parser.add_argument("--seed", type=int, default=2026, help="another seed is another shop")
    day = opening_day(datetime.now(UTC))
    parser.add_argument(
        "--today", type=date.fromisoformat, default=day, help="day at which the shop is: it has sold on those before"
    )
    parser.add_argument("--accountview-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--mplus-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--journal", type=Path, help="file that keeps what was written over a restart")
    parser.add_argument("--token-seconds", type=int, default=3600, help="life of an access token")
    parser.add_argument("--lenient", action="store_true", help="the till takes fields in any order, without wrappers")
    return parser.parse_args()


def _system_addresses(sandbox: Sandbox) -> dict[str, object]:
    return {
        "accountview_url": sandbox.accountview_url,
        "mplus_url": sandbox.mplus_url,
        "control_url": sandbox.control_url,
        "accountview": {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
            "company": MAIN_COMPANY,
        },
        "mplus": {"ident": "sandbox", "secret": "sandbox-secret"},
    }


if __name__ == "__main__":
    main()
