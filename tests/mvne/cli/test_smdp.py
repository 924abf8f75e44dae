"""`mvne smdp`: test certificates, and a real SM-DP+ process that a strict phone downloads from over TLS."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from mvne import store
from mvne.cli.main import root
from mvne.clock import now
from mvne.smdp_server import KEYS_FILE, KeysUnreadable, open_vault
from mvne_provisioning.package import read
from mvne_provisioning.phone import lpa
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.es9 import ServerRefused
from mvne_provisioning.phone.http import Servers
from mvne_provisioning.phone.keeping import Folder
from mvne_provisioning.phone.making import make
from mvne_provisioning.phone.notifying import deliver
from mvne_provisioning.pki.folder import CertificatesMissing, CertificatesUnfit, load
from mvne_provisioning.pki.minting import mint
from mvne_provisioning.smdp.server.loading import personal_of
from mvne_provisioning.smdp.server.schema import OtherSchema
from mvne_provisioning.smdp.server.serving import CannotListen
from mvne_provisioning.smdp.server.tables import schema
from mvne_provisioning.smdp.server.telling import InvalidNotifyUrl
from mvne_provisioning.smdp.tokens import random_bytes
from mvne_provisioning.vault import BadKeys
from scripts.packages import PACKAGES, ROOT
from tests.database import free_port

ADDRESS = "smdp.example.com"
_CALLS = itertools.count(1)
_PROGRAM = "from mvne.cli.main import main; main()"


@dataclass
class Served:
    """A running SM-DP+, and the words it began with."""

    process: subprocess.Popen[str]
    es9: str
    es2: str
    words: dict[str, Any]

    def order(self, function: str, **fields: object) -> dict[str, Any]:
        header = {"functionRequesterIdentifier": "op", "functionCallIdentifier": str(next(_CALLS))}
        url = f"{self.es2}/gsma/rsp2/es2plus/{function}"
        told: dict[str, Any] = httpx.post(url, json={"header": header, **fields}, timeout=10).json()
        return told

    def activation_code(self, **fields: object) -> str:
        iccid = self.order("downloadOrder", profileType="consumer")["iccid"]
        told = self.order("confirmOrder", iccid=iccid, releaseFlag=True, **fields)
        return f"LPA:1${told['smdpAddress']}${told['matchingId']}"

    def stop(self, by: signal.Signals = signal.SIGTERM) -> str:
        self.process.send_signal(by)
        _, said = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, said
        return said


@contextmanager
def serving(certs: Path, *options: str) -> Iterator[Served]:
    ports = free_port(), free_port()
    words = ["smdp", "serve", "--certs", str(certs), "--address", ADDRESS, "--json", *options]
    words += ["--es9-port", str(ports[0]), "--es2-port", str(ports[1]), "--store", f"sqlite:///{certs}/smdp.sqlite"]
    path = os.pathsep.join(str((ROOT / folder).parent) for folder in PACKAGES.values())
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] not in ("}\n", ""):
        lines.append(process.stdout.readline())
    try:
        said = json.loads("".join(lines) or "{}")
        assert "es9" in said, said
        yield Served(process, said["es9"], said["es2"], said)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def operator(heard: list[dict[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smdp") / "pki"
    done = CliRunner().invoke(root, ["smdp", "pki", str(folder), "--address", ADDRESS])
    assert done.exit_code == 0, done.output
    assert "commercial phones refuse" in done.output
    return folder


def download(card: Card, served: Served, code: str, confirmation: str | None = None) -> lpa.Installed:
    with Servers(card.issuers, served.es9) as servers:
        return lpa.download(card, servers, code, now(), random_bytes, confirmation)


def points(heard: list[dict[str, Any]], iccid: str) -> list[tuple[str, int]]:
    return [(one["iccid"].rstrip("F"), one["notificationPointId"]) for one in heard if one["iccid"][:19] == iccid]


def test_a_strict_phone_downloads_from_the_real_server_over_tls_and_the_operator_hears_it(
    certs: Path, tmp_path: Path
) -> None:
    heard: list[dict[str, Any]] = []
    card = make(certs, Folder(tmp_path), None, now(), random_bytes)
    with (
        operator(heard) as url,
        serving(certs, "--profile-type", "consumer", "--profiles", "3", "--notify-url", url) as s,
    ):
        assert s.words["profiles"] == {"consumer": {"Available": 3}}
        plain, coded = s.activation_code(), s.activation_code(confirmationCode="2468")
        done = download(card, s, plain)
        with pytest.raises(ServerRefused, match="confirmation code"):
            download(card, s, coded, "1357")
        second = download(card, s, coded, "2468")
        card.enable(done.iccid)
        with Servers(card.issuers, s.es9) as servers:
            assert deliver(card, servers) == ()
        # What the operator has not heard when the server stops, it hears from the next one.
        expected, deadline = [(done.iccid, 3), (done.iccid, 4), (done.iccid, 101)], time.monotonic() + 30
        while points(heard, done.iccid) != expected and time.monotonic() < deadline:
            time.sleep(0.02)
        said = s.stop()
    assert "on disk" in said
    assert points(heard, done.iccid) == expected
    assert done.iccid != second.iccid
    for secret in (*plain.split("$")[2:], done.iccid, "2468"):
        assert secret not in said
    with serving(certs, "--profile-type", "consumer", "--profiles", "4") as s:
        assert s.words["profiles"] == {"consumer": {"Available": 2, "Enabled": 1, "Installed": 1}}
        s.stop(signal.SIGINT)
    opened = store.open_store(f"sqlite:///{certs}/smdp.sqlite")
    with opened.read() as conn:
        loaded = personal_of(conn, open_vault(certs / KEYS_FILE), read(card.package(done.iccid) or b"").iccid)
    opened.close()
    assert read(card.package(done.iccid) or b"") == loaded


def test_operators_over_tls_need_a_certificate(certs: Path) -> None:
    issuer = next(certs.rglob("CERT_CI_ECDSA_NIST.pem"))
    found = load(certs)
    with serving(certs, "--es2-tls", str(issuer)) as s:
        assert s.es2.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(issuer))
        trusting.check_hostname = False
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{s.es2}/gsma/rsp2/es2plus/downloadOrder", json={}, verify=trusting)
        assert found.tls_certificate
        assert found.tls_key
        trusting.load_cert_chain(found.tls_certificate, found.tls_key)
        assert httpx.post(f"{s.es2}/gsma/rsp2/es2plus/downloadOrder", json={}, verify=trusting).status_code == 200
        s.stop()


def invoke(certs: Path, *words: str, url: str | None = None) -> object:
    """Try to serve what cannot be served; return why not."""
    ports = ["--es9-port", str(free_port()), "--es2-port", str(free_port())]
    command = ["smdp", "serve", "--certs", str(certs), "--address", ADDRESS, *ports, *words]
    return CliRunner().invoke(root, [*command, "--store", url or "sqlite://"]).exception


def test_a_folder_without_certificates_says_so(tmp_path: Path) -> None:
    assert isinstance(invoke(tmp_path), CertificatesMissing)


def test_a_port_that_is_taken_is_named(certs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = invoke(certs, "--es9-port", str(port))
    assert isinstance(refused, CannotListen)
    assert f"port {port}" in str(refused)


def test_a_notify_url_that_is_none_is_refused(certs: Path) -> None:
    assert isinstance(invoke(certs, "--notify-url", "operator.example"), InvalidNotifyUrl)


@pytest.mark.parametrize(("version", "words"), [(0, "begin a new store"), (99, "upgrade mvne")])
def test_a_store_of_another_version_is_not_touched(certs: Path, tmp_path: Path, version: int, words: str) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite"
    other = store.open_store(url)
    with other.transact() as conn:
        schema.create(conn)
        conn.execute(schema.insert().values(version=version))
    other.close()
    refused = invoke(certs, url=url)
    assert isinstance(refused, OtherSchema)
    assert words in str(refused)


def test_an_issuer_that_expired_is_named_once_and_with_its_date(tmp_path: Path) -> None:
    mint(tmp_path / "old", datetime(1990, 1, 1, tzinfo=UTC), ADDRESS)
    refused = invoke(tmp_path / "old")
    assert isinstance(refused, CertificatesUnfit)
    assert refused.problems == ("CI (NIST): it expired on 2024-12-31 18:00 UTC",)


def test_certificates_for_another_address_are_refused_at_the_start(tmp_path: Path) -> None:
    mint(tmp_path / "other", now(), "other.example.com")
    refused = invoke(tmp_path / "other")
    assert isinstance(refused, CertificatesUnfit)
    assert f"it is for other.example.com, not for {ADDRESS}" in str(refused)


def test_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("secret")
    with pytest.raises(BadKeys):
        open_vault(tmp_path / "bad")
    with pytest.raises(KeysUnreadable, match="--keys"):
        open_vault(tmp_path / "nowhere" / "keys")


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / KEYS_FILE
    sealed = open_vault(path).seal(b"secret", b"context")
    assert open_vault(path).open(sealed, b"context") == b"secret"
    assert path.stat().st_mode & 0o077 == 0


def test_profiles_without_a_type_are_asked_back(certs: Path) -> None:
    done = CliRunner().invoke(root, ["smdp", "serve", "--certs", str(certs), "--address", "a", "--profiles", "3"])
    assert (done.exit_code, "--profile-type" in done.output) == (2, True)
