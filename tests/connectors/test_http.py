"""The HTTP layer: the calls it repeats and those it never repeats, its waits, and the secrets it hides."""

import gc
import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integration.connectors.answer import HttpAnswer, PackingError
from integration.connectors.cancellation import CancelledError, cancel_unless
from integration.connectors.http import Gateway
from integration.connectors.limits import RateLimits
from integration.connectors.parallel import run_parallel
from integration.core.errors import (
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from tests.connectors.canned import Canned

SECRET = "s3cr&t<ö>/token"
URL = "http://till.example/soap"
FAST = RateLimits(in_flight=4, per_second=10_000, attempts=3)

Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def a_gateway(handler: Handler, limits: RateLimits = FAST, clock: Clock | None = None) -> Gateway:
    time_ = clock or Clock()
    return Gateway(
        system="MplusKASSA",
        host_shown="till.example",
        limits=limits,
        secrets=[SECRET],
        transport=Canned(handler),
        clock=time_,
        sleep=time_.sleep,
    )


def read(gateway: Gateway, should_retry: Callable[[HttpAnswer], bool] | None = None) -> HttpAnswer:
    return gateway.send("GET", URL, operation="read", repeatable=True, should_retry=should_retry)


def write(gateway: Gateway) -> HttpAnswer:
    return gateway.send("POST", URL, operation="write", content=b"<x/>", repeatable=False)


class Script:
    """Returns these answers in order; an exception is raised."""

    def __init__(self, *turns: httpx.Response | Exception) -> None:
        self.turns = list(turns)
        self.calls = 0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.calls += 1
        turn = self.turns[min(self.calls, len(self.turns)) - 1]
        if isinstance(turn, Exception):
            raise turn
        return turn


def every_kind(of: type[Exception]) -> Iterator[type[Exception]]:
    yield of
    for kind in of.__subclasses__():
        yield from every_kind(kind)


def an_error(kind: type[Exception]) -> Exception:
    return kind(f"bad {SECRET} {URL}?secret={SECRET}")


ROOTS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.InvalidURL,
)
FOREIGN = sorted({kind for root in ROOTS for kind in every_kind(root)}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("call", [read, write])
def test_no_foreign_error_escapes_and_none_tells_the_secret(
    kind: type[Exception], call: Callable[[Gateway], HttpAnswer]
) -> None:
    gateway = a_gateway(Script(an_error(kind)))
    with pytest.raises(IntegrationError) as caught:
        call(gateway)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value.facts)
    assert SECRET not in text
    assert "secret=" not in text
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "kind",
    [
        httpcore.ReadTimeout,
        httpcore.WriteTimeout,
        httpcore.WriteError,
        httpcore.ReadError,
        httpcore.RemoteProtocolError,
        PackingError,
    ],
)
def test_a_write_without_a_usable_answer_is_in_doubt_and_sent_once(kind: type[Exception]) -> None:
    script = Script(kind("lost"))
    with pytest.raises(InDoubtError) as caught:
        write(a_gateway(script))
    assert caught.value.code == "timeout_after_sending_write"
    assert script.calls == 1


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_an_error_answer_to_a_write_leaves_its_outcome_unknown(status: int) -> None:
    script = Script(httpx.Response(status), httpx.Response(200))
    with pytest.raises(InDoubtError) as caught:
        write(a_gateway(script))
    assert script.calls == 1
    asks_to_wait = {429: "too_many_requests", 502: "service_unavailable", 503: "service_unavailable"}
    asks_to_wait[504] = "service_unavailable"
    unavailable = caught.value.unavailable()
    assert (unavailable and unavailable.code) == asks_to_wait.get(status)


def test_a_write_that_is_asked_to_wait_holds_the_next_call_and_is_not_sent_again() -> None:
    clock = Clock()
    script = Script(httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200))
    gateway = a_gateway(script, clock=clock)
    with pytest.raises(InDoubtError):
        write(gateway)
    assert not clock.slept
    read(gateway)
    assert sum(clock.slept) == pytest.approx(7, abs=0.01)
    assert script.calls == 2


@pytest.mark.parametrize("kind", [httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout])
def test_a_write_that_was_not_delivered_is_sent_again(kind: type[Exception]) -> None:
    script = Script(kind("down"), kind("down"), httpx.Response(200, text="done"))
    assert write(a_gateway(script)).body == b"done"
    assert script.calls == 3


def test_a_write_that_was_never_delivered_is_unavailable_and_not_in_doubt() -> None:
    script = Script(httpcore.ConnectError("down"))
    with pytest.raises(UnavailableError, match="connection_refused"):
        write(a_gateway(script))
    assert script.calls == FAST.attempts


@pytest.mark.parametrize("kind", [httpcore.ReadTimeout, httpcore.ReadError, httpcore.RemoteProtocolError])
def test_a_read_is_repeated_after_a_lost_answer(kind: type[Exception]) -> None:
    script = Script(kind("lost"), httpx.Response(200, text="here"))
    assert read(a_gateway(script)).body == b"here"


def test_a_read_that_never_gets_an_answer_says_how_long_it_waited() -> None:
    with pytest.raises(UnavailableError) as caught:
        read(a_gateway(Script(httpcore.ReadTimeout("lost"))))
    assert caught.value.code == "timeout_after_sending_read"
    assert caught.value.facts["duration"] == "60 s"


def test_a_read_is_repeated_after_a_503() -> None:
    assert read(a_gateway(Script(httpx.Response(503), httpx.Response(200)))).status == 200


def test_a_read_that_nobody_wants_any_more_is_not_repeated() -> None:
    script = Script(httpx.Response(503))
    gateway = a_gateway(script)

    def ask() -> None:
        cancel_unless(lambda: script.calls < 1)
        with pytest.raises(CancelledError):
            read(gateway)

    copy_context().run(ask)
    assert script.calls == 1


def test_an_unreadable_answer_is_not_asked_for_again() -> None:
    script = Script(PackingError("no gzip"))
    with pytest.raises(MalformedAnswerError):
        read(a_gateway(script))
    assert script.calls == 1


def test_a_read_is_repeated_while_its_client_says_the_answer_is_worth_it() -> None:
    script = Script(httpx.Response(500), httpx.Response(200))
    assert read(a_gateway(script), should_retry=lambda answer: answer.status == 500).status == 200
    with pytest.raises(UnavailableError, match="server_error"):
        read(a_gateway(Script(httpx.Response(500))), should_retry=lambda answer: answer.status == 500)


def test_a_system_that_asks_for_a_pause_gets_it() -> None:
    clock = Clock()
    script = Script(httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200))
    assert read(a_gateway(script, clock=clock)).status == 200
    assert sum(clock.slept) == pytest.approx(7, abs=0.01)


def test_a_pause_until_a_date_is_measured_by_the_systems_own_clock() -> None:
    clock = Clock()
    dates = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}
    assert read(a_gateway(Script(httpx.Response(429, headers=dates), httpx.Response(200)), clock=clock)).status == 200
    assert sum(clock.slept) == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("text", ["soon", "-5", "", "²"])
def test_a_pause_that_cannot_be_read_is_a_pause_of_our_own(text: str) -> None:
    headers = {b"Retry-After": text.encode()}
    assert read(a_gateway(Script(httpx.Response(429, headers=headers), httpx.Response(200)))).status == 200


def test_a_pause_longer_than_our_patience_ends_the_call_at_once() -> None:
    clock = Clock()
    script = Script(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(UnavailableError) as caught:
        read(a_gateway(script, clock=clock))
    assert (caught.value.code, caught.value.facts["duration"], script.calls) == ("too_many_requests", "3600 s", 1)
    assert not clock.slept


def test_a_pause_holds_calls_that_already_wait_for_their_turn() -> None:
    arrivals: list[float] = []

    def handler(_: httpx.Request) -> httpx.Response:
        arrivals.append(time.monotonic())
        if len(arrivals) > 1:
            return httpx.Response(200)
        time.sleep(0.05)  # the other call asks for its turn meanwhile, and would have it after a second
        return httpx.Response(429, headers={"Retry-After": "2"})

    limits = RateLimits(in_flight=2, per_second=1)
    gateway = Gateway(system="MplusKASSA", host_shown="x", limits=limits, transport=Canned(handler))
    run_parallel(lambda _: read(gateway), range(2), 2)
    assert arrivals[1] - arrivals[0] > 1.9


def test_calls_are_spaced_by_the_number_per_second() -> None:
    clock = Clock()
    starts: list[float] = []

    def note(_: httpx.Request) -> httpx.Response:
        starts.append(clock.now)
        return httpx.Response(200)

    with a_gateway(note, RateLimits(in_flight=1, per_second=4), clock) as gateway:
        for _ in range(5):
            read(gateway)
    assert [start - starts[0] for start in starts] == [0, 0.25, 0.5, 0.75, 1.0]


def test_no_more_calls_are_under_way_than_allowed() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def note(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.005)
        with lock:
            under_way -= 1
        return httpx.Response(200)

    with a_gateway(note, RateLimits(in_flight=2, per_second=10_000)) as gateway:
        run_parallel(lambda _: read(gateway), range(12), 8)
    assert most == 2


def test_a_redirect_is_not_followed() -> None:
    script = Script(httpx.Response(302, headers={"Location": "http://elsewhere.example/"}))
    assert read(a_gateway(script)).status == 302
    assert script.calls == 1


def test_a_header_that_no_header_can_hold_is_refused_without_being_quoted() -> None:
    gateway = a_gateway(Script(httpx.Response(200)))
    headers = {"Authorization": "Bearer tökén"}
    with pytest.raises(RejectedError) as caught:
        gateway.send("GET", URL, operation="read", headers=headers, repeatable=True)
    assert "tök" not in "".join(traceback.format_exception(caught.value))


def test_an_answer_does_not_show_what_it_holds() -> None:
    assert SECRET not in repr(HttpAnswer(200, {"set-cookie": SECRET}, SECRET.encode()))


def test_nothing_is_logged_about_addresses(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        a_gateway(Script(httpx.Response(200))).send(
            "GET", URL, operation="read", params={"secret": SECRET}, repeatable=True
        )
    assert not caplog.records


def test_a_secret_that_changes_is_masked_as_it_is_now() -> None:
    tokens = ["first"]
    gateway = Gateway(system="AccountView", host_shown="host", limits=FAST, secrets=lambda: tokens)
    tokens[0] = "second"
    assert gateway.masked("first second") == "first ***"
    gateway.close()


@contextmanager
def a_server(*, tls: ssl.SSLContext | None = None, answers: bool = True) -> Iterator[int]:
    """A listening socket that answers, hangs up without answering, or speaks plain HTTP where TLS is expected."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.05)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(1)
            with (
                connection,
                suppress(OSError),
                tls.wrap_socket(connection, server_side=True) if tls else connection as spoken,
            ):
                spoken.recv(65536)
                if answers:
                    spoken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    worker = threading.Thread(target=serve)
    worker.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        worker.join()
        listener.close()


def a_real_gateway() -> Gateway:
    return Gateway(system="MplusKASSA", host_shown="127.0.0.1", limits=RateLimits(2, 1000, attempts=2))


def test_a_real_answer_arrives() -> None:
    with a_server() as port, a_real_gateway() as gateway:
        answer = gateway.send("GET", f"http://127.0.0.1:{port}/", operation="read", repeatable=True)
    assert (answer.status, answer.body) == (200, b"ok")


def test_a_real_server_that_hangs_up_leaves_a_write_in_doubt() -> None:
    with a_server(answers=False) as port, a_real_gateway() as gateway, pytest.raises(InDoubtError):
        gateway.send("POST", f"http://127.0.0.1:{port}/", operation="write", content=b"x", repeatable=False)


def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with a_real_gateway() as gateway, pytest.raises(UnavailableError, match="connection_refused"):
        gateway.send("GET", f"http://127.0.0.1:{port}/", operation="read", repeatable=True)


def test_a_host_that_does_not_exist_is_unknown() -> None:
    with a_real_gateway() as gateway, pytest.raises(UnavailableError, match="host_unknown"):
        gateway.send("GET", "http://no-such-host.invalid/", operation="read", repeatable=True)


@pytest.mark.parametrize("url", ["ftp://till.example/", "till.example/soap", "http://[nonsense/", "http://a..b/"])
def test_an_address_that_is_none_names_no_host(url: str) -> None:
    with a_real_gateway() as gateway, pytest.raises(UnavailableError, match="host_unknown"):
        gateway.send("GET", url, operation="read", repeatable=True)


def test_plain_http_where_tls_is_expected_is_another_interface() -> None:
    with a_server() as port, a_real_gateway() as gateway, pytest.raises(UnavailableError, match="address_not_api"):
        gateway.send("GET", f"https://127.0.0.1:{port}/", operation="read", repeatable=True)


def a_certificate_nobody_knows(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


def test_a_certificate_nobody_vouches_for_ends_the_call_before_anything_is_reported(tmp_path: Path) -> None:
    with (
        a_server(tls=a_certificate_nobody_knows(tmp_path)) as port,
        a_real_gateway() as gateway,
        pytest.raises(UnavailableError, match="certificate_invalid"),
    ):
        gateway.send("GET", f"https://127.0.0.1:{port}/", operation="read", repeatable=True)


# What is answered has an end


@contextmanager
def answering(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that calls `reply` for every connection after the head of a request has arrived."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line, suppress(OSError):
                        line.recv(65_536)
                        reply(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def over_http(**limits: float) -> Gateway:
    bounded = RateLimits(in_flight=1, per_second=10_000, attempts=1, **limits)  # type: ignore[arg-type]
    return Gateway(system="MplusKASSA", host_shown="till.example", limits=bounded)


def an_answer(body: bytes, *headers: str) -> Callable[[socket.socket], None]:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return lambda line: line.sendall(head.encode() + body)


@pytest.mark.long
def test_no_connection_is_left_by_calls_that_a_closing_overtakes() -> None:
    """No running or later call leaves a connection, because the closing thread may not wait for its threads."""
    call_started, may_answer = threading.Event(), threading.Event()

    def reply(line: socket.socket) -> None:
        call_started.set()
        may_answer.wait(30)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        line.settimeout(5)
        line.recv(1)  # which comes to nothing once the other side has closed

    with answering(reply) as url, ThreadPoolExecutor(1) as aside:
        gateway = over_http()
        under_way = aside.submit(gateway.send, "GET", url, operation="read", repeatable=True)
        assert call_started.wait(30)
        gateway.close()
        may_answer.set()
        with suppress(UnavailableError, RuntimeError):
            under_way.result(30)
        with pytest.raises(RuntimeError):
            gateway.send("GET", url, operation="read", repeatable=True)
        del gateway
        gc.collect()


def test_a_bomb_is_unpacked_no_further_than_an_answer_may_be_long() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1 << 24)) for _ in range(16)), packer.flush()])
    assert len(bomb) < 275_000  # of a quarter of a gigabyte
    tracemalloc.start()
    with answering(an_answer(bomb, "Content-Encoding: gzip")) as url, over_http(answer_bytes=8_000_000) as gateway:
        with pytest.raises(MalformedAnswerError, match=r"answer_too_large.*limit=8 MB"):
            gateway.send("GET", url, operation="read", repeatable=True)
        with pytest.raises(InDoubtError):
            gateway.send("POST", url, operation="write", repeatable=False)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 64_000_000


@pytest.mark.parametrize("wbits", [31, 15, -15], ids=["gzip", "deflate", "deflate without a head"])
def test_a_packed_answer_is_read(wbits: int) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = packer.compress(b"answer " * 100_000) + packer.flush()
    name = "gzip" if wbits == 31 else "deflate"
    with answering(an_answer(packed, f"Content-Encoding: {name}")) as url, over_http() as gateway:
        assert gateway.send("GET", url, operation="read", repeatable=True).body == b"answer " * 100_000


def test_an_answer_in_several_members_is_read_whole() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    with answering(an_answer(packed, "Content-Encoding: gzip")) as url, over_http() as gateway:
        assert gateway.send("GET", url, operation="read", repeatable=True).body == b"one two"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
def test_an_answer_packed_in_another_way_or_twice_cannot_be_read(encoding: str) -> None:
    packed = gzip.compress(gzip.compress(b"twice"))
    served = answering(an_answer(packed, f"Content-Encoding: {encoding}"))
    unreadable = pytest.raises(MalformedAnswerError, match="answer_unreadable")
    with served as url, over_http() as gateway, unreadable:
        gateway.send("GET", url, operation="read", repeatable=True)


def test_an_answer_that_is_not_packed_has_an_end_as_well() -> None:
    too_large = pytest.raises(MalformedAnswerError, match="answer_too_large")
    with answering(an_answer(bytes(200_000))) as url, over_http(answer_bytes=100_000) as gateway, too_large:
        gateway.send("GET", url, operation="read", repeatable=True)


# A cut is no silence


def test_a_connection_that_is_cut_is_reported_as_cut() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    for reply in (lambda _: None, lambda line: line.sendall(half)):
        with answering(reply) as url, over_http() as gateway:
            with pytest.raises(UnavailableError, match="connection_cut") as caught:
                gateway.send("GET", url, operation="read", repeatable=True)
            assert "duration" not in caught.value.facts
            with pytest.raises(InDoubtError, match="reason=connection_cut"):
                gateway.send("POST", url, operation="write", repeatable=False)


def test_a_silence_is_reported_by_how_long_it_was() -> None:
    test_ended = threading.Event()

    def silent(_: socket.socket) -> None:
        test_ended.wait(10)

    with answering(silent) as url, over_http(read_seconds=0.3) as gateway:
        with pytest.raises(UnavailableError, match=r"timeout_after_sending_read.*duration=0.3 s"):
            gateway.send("GET", url, operation="read", repeatable=True)
        test_ended.set()


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"."),
        (b"HTTP/1.1 200 OK\r\nX-More: ", b"."),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n"),
    ],
    ids=["body", "header", "interim answers", "chunks"],
)
def test_an_answer_that_trickles_is_reported_by_our_patience(begin: bytes, piece: bytes) -> None:
    def trickle(line: socket.socket) -> None:
        line.sendall(begin)
        for _ in range(100):
            line.sendall(piece)
            time.sleep(0.05)

    too_slow = pytest.raises(UnavailableError, match=r"timeout_after_sending_read.*duration=0.4 s")
    with answering(trickle) as url, over_http(patience_seconds=0.4) as gateway, too_slow:
        gateway.send("GET", url, operation="read", repeatable=True)


def test_a_handshake_that_trickles_is_ended_by_our_patience() -> None:
    numbers: list[int] = []

    def trickle(line: socket.socket) -> None:
        line.sendall(b"\x16\x03\x03\x3f\x00")  # the head of a record of 16,128 bytes
        for number in range(100):
            line.sendall(b"\x02")
            numbers.append(number)
            time.sleep(0.05)

    with answering(trickle) as url, over_http(patience_seconds=0.4) as gateway:
        with pytest.raises(UnavailableError, match="timeout"):
            gateway.send("GET", url.replace("http:", "https:"), operation="read", repeatable=True)
        assert len(numbers) < 50
