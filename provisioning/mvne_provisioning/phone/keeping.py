"""Where the state of a card is kept: in a folder, for one process at a time; or nowhere, for a card that forgets."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.state import BrokenState, CardState, from_text, to_text

_FILE, _LOCK = "card.json", "card.lock"


class NoCard(ProvisioningError):
    """There is no card in this folder."""


class CardExists(ProvisioningError):
    """There is a card in this folder already; it is not written over."""


class CardInUse(ProvisioningError):
    """Another process uses this card."""


class Keeper(Protocol):
    """Keeps the state of a card; what was kept is durable when the call returns."""

    def keep(self, state: CardState) -> None:
        """Keep a state instead of the one before."""


class Nowhere:
    """Keeps nothing: for a card that lives as long as its process."""

    def keep(self, state: CardState) -> None:
        """Do nothing."""


class Folder:
    """Keeps a card in a folder, in a file that only its owner can read."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE

    @property
    def has_card(self) -> bool:
        """Whether there is a card."""
        return self._file.exists()

    def read(self) -> CardState:
        """Return the state that was kept; raise `NoCard` or `BrokenState`."""
        try:
            return from_text(self._file.read_text())
        except FileNotFoundError:
            raise self._missing() from None
        except (BrokenState, UnicodeDecodeError) as fault:
            why = fault if isinstance(fault, BrokenState) else "it is not text"
            raise BrokenState(f"{self._file} cannot be used: {why}. Restore a copy of it, or make a new card") from None

    def keep(self, state: CardState) -> None:
        """Write a state beside the one before, down to the disk, and put it in its place."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(to_text(state))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, self._file)
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process use the card meanwhile; raise `CardInUse` when one does, `NoCard` without the folder."""
        try:
            lock = (self._file.parent / _LOCK).open("w")
        except FileNotFoundError:
            raise self._missing() from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CardInUse(f"another process uses the card in {self._file.parent}: wait for it") from None
            yield

    def _missing(self) -> NoCard:
        folder = self._file.parent
        return NoCard(f"there is no card in {folder}; make one: mvne phone new --certs DIR --card {folder}")
