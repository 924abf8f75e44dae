"""ES9+ over HTTP: headers, TLS that only the card's issuers vouch for, and answers that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.es9 import BadAnswer, ServerUnreachable
from mvne_provisioning.phone.http import HttpTransport, InsecureServer, Servers
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.minting import mint
from tests.provisioning.phone import web
from tests.provisioning.phone.double import ADDRESS, CODE, ICCID, Double, token
from tests.provisioning.phone.papers import AT, Papers

Pki = dict[str, Certificates]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """TLS looks at the real clock: certificates of now, of another issuer, and of long ago."""
    now, found = datetime.now(UTC), {}
    for name, at in (("now", now), ("other", now), ("old", now - timedelta(days=20_000))):
        folder = tmp_path_factory.mktemp(name) / "certs"
        mint(folder, at, ADDRESS)
        found[name] = load(folder)
    return found


def issuers(certificates: Certificates) -> tuple[bytes, ...]:
    return tuple(one.der for one in certificates.issuers.values())


@contextmanager
def answering(status: int, content: bytes) -> Iterator[HttpTransport]:
    with (
        web.served(web.Web(lambda path, body: (status, content))) as served,
        HttpTransport(ADDRESS, (), served.url) as transport,
    ):
        yield transport


def test_a_whole_download_over_tls(pki: Pki) -> None:
    double, now = Double(), pki["now"]
    with web.served(web.of(double.post), now.tls_certificate, now.tls_key) as served:
        card = Card.new(Papers().card())
        with Servers(issuers(now), served.url) as servers:
            assert download(card, servers, CODE, AT, token).iccid == ICCID
        path, headers, _ = served.asked[0]
    assert path == "/gsma/rsp2/es9plus/initiateAuthentication"
    assert headers["content-type"] == "application/json"
    assert headers["x-admin-protocol"].startswith("gsma/rsp/v2.")
    assert headers["user-agent"] == "gsma-rsp-lpad"
    assert headers["host"] == ADDRESS
    assert len(double.notified) == 1


@pytest.mark.parametrize(
    ("serves", "trusts", "address"),
    [("other", "now", ADDRESS), ("old", "old", ADDRESS), ("now", "now", "other.example.com")],
    ids=["another issuer", "expired", "another name"],
)
def test_a_server_with_a_wrong_tls_certificate_gets_nothing(pki: Pki, serves: str, trusts: str, address: str) -> None:
    server = pki[serves]
    with (
        web.served(web.of(Double().post), server.tls_certificate, server.tls_key) as served,
        HttpTransport(address, issuers(pki[trusts]), served.url) as transport,
        pytest.raises(ServerUnreachable, match="does not trust"),
    ):
        transport.post("initiateAuthentication", {})
    assert served.asked == []


@pytest.mark.parametrize(
    "url", ["http://smdp.example.com", "http://192.0.2.1:80", "ftp://127.0.0.1", "127.0.0.1:9443", "https://"]
)
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    with pytest.raises(InsecureServer):
        HttpTransport(ADDRESS, (), url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_a_dead_server_is_unreachable(url: str) -> None:
    with HttpTransport(ADDRESS, (), url) as transport, pytest.raises(ServerUnreachable, match=ADDRESS):
        transport.post("initiateAuthentication", {})


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (500, b"{}", ServerUnreachable),
        (503, b"", ServerUnreachable),
        (404, b"{}", BadAnswer),
        (302, b"", BadAnswer),
        (200, b"<html>", BadAnswer),
        (200, b"[]", BadAnswer),
        (200, b"\xff\xfe", BadAnswer),
        (200, b"[" * 100_000, BadAnswer),
    ],
)
def test_an_answer_that_is_none_is_refused(status: int, content: bytes, error: type[Exception]) -> None:
    with answering(status, content) as transport, pytest.raises(error):
        transport.post("initiateAuthentication", {})


def test_an_answer_without_end_is_cut_off() -> None:
    with answering(200, b'"' + b"x" * (17 << 20)) as transport, pytest.raises(BadAnswer, match="longer than"):
        transport.post("initiateAuthentication", {})


@pytest.mark.parametrize(("status", "content"), [(204, b""), (200, b""), (200, b" \n")])
def test_an_empty_answer_is_none(status: int, content: bytes) -> None:
    with answering(status, content) as transport:
        assert transport.post("handleNotification", {}) is None


def test_an_answer_is_its_json() -> None:
    with answering(200, json.dumps({"a": 1}).encode()) as transport:
        assert transport.post("initiateAuthentication", {}) == {"a": 1}


def test_one_connection_serves_a_whole_download(pki: Pki, tmp_path: Path) -> None:
    with Servers(issuers(pki["now"])) as servers:
        assert servers(ADDRESS) is servers(ADDRESS)
        assert servers("b.example.com") is not servers(ADDRESS)
