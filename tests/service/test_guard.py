"""Who is answered: by which name, with which method, with which token; and what every answer carries."""

from __future__ import annotations

from typing import Any

import pytest

from geiger.service.guard import COOKIE, HEADERS, Guard, hosts_of, is_loopback, name_in

pytest.importorskip("starlette", reason="NO STARLETTE: the live view was not asked anything")

TOKEN = "t" * 32


def client(hosts: Any = frozenset({"127.0.0.1"}), token: str | None = None, **options: Any) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def page(request: Any) -> Any:
        return PlainTextResponse("secret")

    routes = [Route("/", page, methods=["GET", "POST"]), Route("/other", page)]
    options = {"base_url": "http://127.0.0.1", "follow_redirects": False, **options}
    return TestClient(Guard(Starlette(routes=routes), hosts, token), **options)


def test_every_answer_carries_the_headers() -> None:
    asked = client()
    for answer in (
        asked.get("/"),
        asked.get("/nowhere"),
        asked.post("/"),
        asked.get("/", headers={"host": "evil"}),
    ):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8737",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "",
        "[::2]:80",
        "[127.0.0.1].evil.example",
        "[127.0.0.1",
    ],
)
def test_another_name_is_refused(host: str) -> None:
    answer = client().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "secret" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8737", "LOCALHOST:1", "[::1]:8737"])
def test_the_names_of_this_machine_are_answered(host: str) -> None:
    assert client(hosts_of("127.0.0.1")).get("/", headers={"host": host}).text == "secret"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading(method: str) -> None:
    answer = client().request(method, "/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_token_opens_by_address_cookie_or_header() -> None:
    asked = client(None, TOKEN)
    for path in ("/", "/other", "/?token=wrong", "/other?token=" + TOKEN):
        refused = asked.get(path)
        assert refused.status_code == 401
        assert "secret" not in refused.text
        assert TOKEN not in refused.text
    entered = asked.get(f"/?token={TOKEN}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={TOKEN}")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert asked.get("/other").text == "secret"  # the client keeps cookies
    bearer = client(None, TOKEN).get("/other", headers={"authorization": f"Bearer {TOKEN}"})
    assert bearer.text == "secret"
    for given in (f"Basic {TOKEN}", "Bearer ", "Bearer " + TOKEN[:-1], "Bearer \u00e9".encode()):
        assert client(None, TOKEN).get("/", headers={"authorization": given}).status_code == 401


def test_a_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return False

    monkeypatch.setattr("geiger.service.guard.hmac.compare_digest", compare)
    asked = client(token=TOKEN)
    for words in ({"params": {"token": TOKEN}}, {"headers": {"authorization": f"Bearer {TOKEN}"}}):
        compared.clear()
        assert asked.get("/", **words).status_code == 401
        assert TOKEN.encode() in compared, "decided by something else"


def test_any_name_without_a_token_cannot_be_had() -> None:
    with pytest.raises(ValueError, match="token"):
        client(None, None)
    with pytest.raises(ValueError, match="token"):
        client(None, "")


def test_a_web_socket_is_closed() -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/"):
        pass


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.5.4.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
    assert (hosts_of(host) is None) is (host in ("0.0.0.0", "::"))


def test_names_in_the_header() -> None:
    assert [name_in(one) for one in ("a:1", "A", "[::1]", "::1", "a:b:c")] == [
        "a",
        "a",
        "::1",
        "::1",
        "a:b:c",
    ]
