"""The process that is an SM-DP+: its store, its keys at rest, its certificates, and its orderly end."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from mvne.clock import now
from mvne.store import open_store
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.pki.folder import load as load_certificates
from mvne_provisioning.pki.server_set import check_server
from mvne_provisioning.smdp.server.es2 import Operators
from mvne_provisioning.smdp.server.es9 import Phones
from mvne_provisioning.smdp.server.loading import fill, stock
from mvne_provisioning.smdp.server.schema import make_tables
from mvne_provisioning.smdp.server.service import Smdp
from mvne_provisioning.smdp.server.serving import Doors, serve
from mvne_provisioning.smdp.server.settings import Settings
from mvne_provisioning.smdp.server.telling import HttpPost
from mvne_provisioning.smdp.server.together import Together
from mvne_provisioning.smdp.tokens import random_bytes
from mvne_provisioning.vault import Vault, parse_keys

#: Where the keys lie that seal what is stored, unless somebody says otherwise: beside the private keys.
KEYS_FILE = "vault.keys"


class KeysUnreadable(ProvisioningError):
    """The file of the keys that seal what is stored cannot be read or made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for who starts an SM-DP+; see the options of `mvne smdp serve`."""

    certificates: Path
    settings: Settings
    host: str
    es9_port: int
    es2_port: int
    store: str
    keys: Path
    profile_type: str | None = None
    profiles: int = 0
    notify_url: str | None = None
    operators_ca: Path | None = None
    has_tls: bool = True


def default_store() -> str:
    """Return the URL of the store that an SM-DP+ has when nobody says another: it is not the platform's."""
    return f"sqlite:///{user_data_path('mvne', appauthor=False) / 'smdp.sqlite'}"


def run_server(wanted: Wanted, ready: Callable[[dict[str, dict[str, int]]], None]) -> None:
    """Serve until told to stop by a signal; `ready` hears the stock of profiles, by type and state.

    Raises a `ProvisioningError` for certificates, keys, ports or a schema that will not do, `StoreError` for the store.
    """
    certificates = load_certificates(wanted.certificates)
    check_server(certificates, wanted.settings.address, now(), wanted.has_tls)
    post = HttpPost(wanted.notify_url) if wanted.notify_url else None
    vault = open_vault(wanted.keys)
    store = open_store(wanted.store)
    try:
        with store.building(), store.transact() as conn:
            make_tables(conn)
        with store.transact() as conn:
            if wanted.profile_type:
                address = wanted.settings.address
                fill(conn, vault, wanted.profile_type, wanted.profiles, address, random_bytes)
            found = stock(conn)
        asyncio.run(_serve(wanted, certificates, vault, Together(store.engine), post, lambda: ready(found)))
    finally:
        store.close()
        if post is not None:
            post.close()


async def _serve(
    wanted: Wanted,
    certificates: Certificates,
    vault: Vault,
    store: Together,
    post: HttpPost | None,
    ready: Callable[[], None],
) -> None:
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    operators = Operators(wanted.settings, random_bytes)
    phones = Phones(wanted.settings, certificates, vault, random_bytes)
    tls = certificates.dp_tls if wanted.has_tls else None
    doors = Doors(wanted.host, wanted.es9_port, wanted.es2_port, tls, wanted.operators_ca)
    await serve(Smdp(operators, phones, store, now), doors, stop, post, ready)


def open_vault(path: Path) -> Vault:
    """Return the vault whose keys a file holds, the current one first; a file that is not there is made, with one key.

    Raises `BadKeys` or `KeysUnreadable`.
    """
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"first:{base64.b64encode(random_bytes(32)).decode()}\n")
        keys = parse_keys(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KeysUnreadable(f"the keys for what is stored, {path}: {words}; name another file by --keys") from None
    return Vault(keys, next(iter(keys)), random_bytes)
