"""Messages on their way out: taken by real servers, refused, too slow, and never telling a secret."""

import re
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from integration.alerts.transport.options import UNENCRYPTED
from integration.alerts.transport.post import ChannelRoute, Message, Post, PostResult, secrets_of
from integration.process.child_environment import network_environment
from tests.alerts.transport.receivers import mail_server, web_server
from tests.alerts.transport.running_post import RunningPost
from tests.timeouts import SECONDS


@pytest.fixture(scope="module")
def running() -> Iterator[Post]:
    """A way out whose process stays."""
    post = RunningPost(ChannelRoute(network_environment()))
    yield post
    post.close()


def post(seconds: float = 30.0, proxy: str = "") -> Post:
    """A way out."""
    return Post(ChannelRoute(network_environment(), proxy), seconds)


def test_a_post_reaches_a_mail_server_and_a_web_hook() -> None:
    with mail_server() as box, web_server() as hook:
        results = post(proxy="http://127.0.0.1:9").send(  # nobody is there: this machine is reached without it
            [Message(box.address, "Trouble – at till", "Line one\nLine two"), Message(hook.address, "Hook", "told")]
        )
    assert results == [PostResult(ok=True), PostResult(ok=True)]
    assert [subject for subject, _ in box.mails] == ["Trouble – at till"]
    assert "Line two" in box.mails[0][1]
    assert [(path, message["title"], message["message"]) for path, message in hook.took] == [
        ("/alerts/pathofthehook", "Hook", "told")
    ]


def test_what_a_channel_refuses_is_reported_without_its_secrets(running: Post) -> None:
    with web_server() as hook:
        hook.down = True
        (result,) = running.send([Message(hook.address, "Hook", "told")])
    assert not result.ok
    assert "503" in result.error
    assert not any(secret in result.error for secret in ("tokenofthehook", "pathofthehook"))


def test_a_channel_that_takes_too_long_is_given_up() -> None:
    with web_server() as hook:
        hook.slow = 2 * SECONDS
        begun = time.monotonic()
        results = post(seconds=2.0).send([Message(hook.address, "Hook", "told")] * 2)
        seconds = time.monotonic() - begun
    assert results == [PostResult(ok=False, error="reason_channel_silent")] * 2
    assert seconds < SECONDS


def test_a_redirect_is_not_followed(running: Post) -> None:
    with web_server() as hook:
        ways = {
            f"/{status}": (status, f"http://127.0.0.1:{hook.port}/elsewhere") for status in (301, 302, 303, 307, 308)
        }
        hook.redirects = ways
        results = running.send([Message(f"json://127.0.0.1:{hook.port}{path}", "Hook", "told") for path in ways])
    assert [result.ok for result in results] == [False] * len(ways)
    assert hook.paths == list(ways)


def test_a_network_of_our_own_is_reached_where_the_settings_allow_it() -> None:
    allowing = RunningPost(ChannelRoute(network_environment(), networks="10.1.0.0/16, fd00::/8"))
    assert [allowing.check_address(f"jsons://{host}/x").ok for host in ("[fd00::1]", "10.2.2.3")] == [True, False]
    allowing.close()


OPTION, NETWORK = "expected_channel_option", "expected_channel_network"
LOOKED_AT = {
    "mailtos://user:secret@mail.example.com?to=anna@example.com&mode=insecure": OPTION,
    "mailtos://user:secret@mail.example.com?to=anna@example.com&MODE=%49nsecure": OPTION,
    "mailtos://user:secret@mail.example.com?to=anna@example.com&mode=ssl&name=Console": "",
    "mailto://user:secret@127.0.0.1?from=a@shop.nl&to=b@shop.nl&smtp=mail.shop.nl": "expected_channel_encrypted",
    "mailtos://user:secret@mail.example.com?to=anna@example.com&pgp=yes&pgppub=/etc/passwd": OPTION,
    "mailtos://user:secret@mail.example.com?to=anna@example.com&smtp=10.0.0.1": NETWORK,
    "jsons://hooks.example.com/x?verify=no": OPTION,
    "jsons://hooks.example.com/x?Verify=No": OPTION,
    "jsons://hooks.example.com/x;verify=no": "",  # a path
    "jsons://hooks.example.com/x?to=a;verify=no": OPTION,
    "jsons://hooks.example.com/x?redirect=yes": OPTION,
    "jsons://hooks.example.com/x?+Authorization=Bearer%20x&-way=1&:field=title&method=put": "",
    "forms://hooks.example.com/x?attach-as=/etc/passwd": OPTION,
    "workflows://prod-1.logic.azure.com:443/workflow/signature?template=/etc/passwd": OPTION,
    "workflows://prod-1.logic.azure.com:443/workflow/signature?path=/etc/passwd": OPTION,
    "fcm://project@apikey/device?keyfile=/etc/passwd": OPTION,
    "jsons://hooks.example.com/x?image=FILE:///etc/passwd": OPTION,
    "jsons://10.0.0.1/x": NETWORK,
    "jsons://192.168.1.1/x": NETWORK,
    "jsons://169.254.169.254/latest": NETWORK,
    "jsons://100.64.0.1/x": NETWORK,
    "jsons://0.0.0.0/x": NETWORK,
    "jsons://2130706434/x": NETWORK,  # 127.0.0.2 as one number
    "jsons://[fe80::1]/x": NETWORK,
    "jsons://[fd00:ec2::254]/x": NETWORK,
    "jsons://[::ffff:10.0.0.1]/x": NETWORK,
    "jsons://127.0.0.1/x": "",
    "json://127.0.0.1:8080/x": "",
    "jsons://hooks.example.com/x": "",
    "json://hooks.example.com/x": "expected_channel_encrypted",
    "mailto://user:secret@mail.example.com?to=anna@example.com": "expected_channel_encrypted",
    "mailtos://user:secret@mail.example.com?to=anna@example.com": "",
    "dapnet://user:secret@DF1ABC": "expected_channel_encrypted",
    "kavenegar://secretkey/15551234567": "expected_channel_encrypted",
    "aprs://DF1ABC:12345@DF2ABC": "expected_channel_encrypted",
    "tgram://123456789:abcdefg_hijklmnop/12345/": "",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general": "",
    "file:///etc/passwd": "expected_channel",
    "https://example.com": "expected_channel",
    "nonsense": "expected_channel",
    "": "expected_channel",
}


def test_an_address_leads_to_a_channel_that_is_encrypted_or_on_this_machine(running: Post) -> None:
    results = [running.check_address(address) for address in LOOKED_AT]
    assert [(result.ok, result.error) for result in results] == [(not why, why) for why in LOOKED_AT.values()]
    assert running.check_address("nonsense") == PostResult(ok=False, error="expected_channel")


def test_a_scheme_that_the_library_calls_secure_is_encrypted() -> None:
    spec = find_spec("apprise")
    assert spec is not None
    unencrypted = set()
    for path in (Path(str(spec.origin)).parent / "plugins").rglob("*.py"):
        source = path.read_text("utf-8")
        if re.search(r'notify_url = "http://|socket\.create_connection\(', source):
            unencrypted |= set(re.findall(r'^    secure_protocol = "(\w+)"', source, re.MULTILINE))
    assert unencrypted == UNENCRYPTED


def test_all_of_an_address_but_its_host_may_be_secret() -> None:
    secrets = secrets_of("json://anna:tok%20en@host.example/one/two?to=mail@x.nl#frag")
    assert secrets >= {"anna", "tok%20en", "tok en", "mail@x.nl", "frag"}
    assert "host.example" not in secrets
