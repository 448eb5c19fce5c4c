"""How both systems are reached: what was entered, overruled by the environment."""

from pathlib import Path

from integration.sandbox.server import Sandbox
from integration.settings import load_settings
from tests.consoles import causes, opened


def test_the_environment_wins_over_what_is_stored(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.connect_mplus(shop.mplus_url, "sandbox", "wrong", "test")
    given = load_settings(mplus={"secret": "sandbox-secret"}).mplus
    with opened(tmp_path, start=False, mplus=given) as application:
        assert causes(application.connections.check("mplus")) == []
