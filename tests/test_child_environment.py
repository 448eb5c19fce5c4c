"""The environment of programs that the console starts has no secret, its own or of others."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.process.child_environment import base_environment, network_environment, with_database, with_screen

ROOT = Path(__file__).parent.parent
SECRET = "a-secret-of-somebody"
SECRETS = ("CONSOLE_KEY", "CONSOLE_MPLUS__SECRET", "CONSOLE_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK")
BEGIN = {"Popen", "run", "call", "check_call", "check_output"}
OF_A_BARE_PROGRAM = {"integration/lab/fixture.py"}  # the lab has nothing else by then


@pytest.mark.parametrize(
    "make_environment",
    [
        base_environment,
        network_environment,
        with_database,
        with_screen,
    ],
    ids=lambda function: function.__name__,
)
def test_no_program_gets_a_secret(
    monkeypatch: pytest.MonkeyPatch, make_environment: Callable[[], dict[str, str]]
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, SECRET)
    environment = make_environment()
    assert "PATH" in environment
    assert SECRET not in environment.values()


def test_a_proxy_is_told_to_who_goes_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", SECRET)
    has_proxy = [
        SECRET in make_environment().values()
        for make_environment in (network_environment, base_environment, with_screen)
    ]
    assert has_proxy == [True, False, False]


def test_every_program_is_begun_with_an_environment_of_its_own() -> None:
    calls = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in (ROOT / "integration").rglob("*.py")
        if str(file.relative_to(ROOT)) not in OF_A_BARE_PROGRAM
        if "subprocess" in (text := file.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {f"subprocess.{name}" for name in BEGIN}
        if "env" not in {keyword.arg for keyword in call.keywords}
    ]
    assert calls == []
