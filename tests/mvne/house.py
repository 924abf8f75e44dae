"""What the tests of the roof are made of: small example brands, launched stores to copy, a platform with a clock.

Time stands still at `AT` until a test moves it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from mvne import lines, phone, usage
from mvne.billrun import BillRun, run_bills
from mvne.bootstrap import bootstrap
from mvne.brand import Brand
from mvne.launching import Launched, launch
from mvne.lines import Line
from mvne.outbox import events
from mvne.people import Subscriber
from mvne.planfile.reading import load
from mvne.platform import Platform
from mvne.settings import Settings
from mvne.signup import SignUp, sign_up
from mvne_billing.invoice import issuing
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.mediation.loading import Loaded
from mvne_billing.payments import attempts
from mvne_billing.payments.attempts import Payment
from mvne_billing.subscription import subscription
from mvne_billing.subscription.subscription import Subscription
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.network.port import UsageKind
from mvne_provisioning.network.simulated_use import Use
from scripts.packages import ROOT
from tests.database import Server, share_compiled

AT = datetime(2027, 1, 4, 9, tzinfo=UTC)
MINUTE, MB, GB = 60, 10**6, 10**9

#: Fictional numbers to call: one of tilleul's care homes, and a number that nobody of ours has.
CARE_HOME = "+33199001100"
PARIS_NUMBER = "+33199009999"
NEW_YORK_NUMBER = "+12125550142"

#: Numbers and profiles of a small brand: enough for every story, and quick to launch.
SMALL = 30


@cache
def example(name: str, size: int = SMALL) -> Brand:
    """Return a brand of `examples/` with few numbers and profiles."""
    brand = load(ROOT / "examples" / name / "plan.yaml")
    return replace(brand, host=replace(brand.host, numbers=brand.host.numbers[:size], profiles=size))


@dataclass
class Clock:
    """The time, which moves when a test says so."""

    now: datetime = AT

    def __call__(self) -> datetime:
        return self.now


@dataclass
class House:
    """A platform under test, and the time there."""

    platform: Platform
    clock: Clock = field(default_factory=Clock)

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.clock.now

    def after(self, **elapsed: int) -> datetime:
        """Let time pass (`days=3`) and return what time it is then."""
        self.clock.now += timedelta(**elapsed)
        return self.clock.now

    def launch(self, brand: Brand, *retire: str) -> Launched:
        return launch(brand, self.platform, self.now, frozenset(retire))

    def wish(self, name: str, brand: str = "tilleul", plan: str = "douceur", **more: Any) -> SignUp:
        """Return what somebody called `name` wants: 70 years old, with a card that pays."""
        region = "NY" if brand == "comet" else None
        person = {"language": "fr", "born": date(1957, 1, 1), "region": region} | more.pop("person", {})
        known = Subscriber(id=name, name=name.title(), email=f"{name}@example.org", **person)
        return SignUp(known, f"line-{name}", plan, more.pop("method", "pm_card_visa"), **more)

    def join(self, name: str, brand: str = "tilleul", plan: str = "douceur", **more: Any) -> Line:
        """Sign somebody up and let their phone install the eSIM."""
        line = sign_up(self.platform, brand, self.wish(name, brand, plan, **more), self.now)
        return phone.install(self.platform, brand, line.id, self.now)

    def use(self, line: str, kind: str, amount: int, to: str | None = None, brand: str = "tilleul") -> None:
        """Let a line's phone use the network now; a second passes."""
        known = self.line(line, brand)
        wanted = Use(Imsi(str(known.imsi)), UsageKind(kind), self.now, amount, to)
        phone.use(self.platform, "US" if brand == "comet" else "FR", [wanted])
        self.after(seconds=1)

    def collect_usage(self, brand: str = "tilleul") -> list[Loaded]:
        return usage.collect_feed(self.platform, brand, self.now)

    def bill(self, brand: str = "tilleul") -> BillRun:
        return run_bills(self.platform, brand, self.now)

    def line(self, line: str, brand: str = "tilleul") -> Line:
        with self.platform.store.read() as conn:
            return lines.get(conn, brand, line)

    def subscription(self, line: str, brand: str = "tilleul") -> Subscription:
        with self.platform.store.read() as conn:
            return subscription.get(conn, brand, line)

    def documents(self, line: str, brand: str = "tilleul") -> list[Invoice]:
        with self.platform.store.read() as conn:
            return issuing.of_subscription(conn, brand, line)

    def payments(self, line: str, brand: str = "tilleul") -> list[Payment]:
        """Return every attempt to collect a bill of a line, bill by bill."""
        documents = self.documents(line, brand)
        with self.platform.store.read() as conn:
            return [one for document in documents for one in attempts.of_invoice(conn, brand, document.id)]

    def told(self, brand: str = "tilleul", subject: str | None = None) -> list[str]:
        """Return the types of a brand's events, in order."""
        with self.platform.store.read() as conn:
            found = events(conn, brand, limit=10_000)
        return [one.type for one in found if subject in (None, one.subject)]


@contextmanager
def open_house(url: str, clock: Clock | None = None) -> Iterator[House]:
    """Open the platform at a store's URL, everything outside simulated."""
    time = clock or Clock()
    with bootstrap(Settings(store=url), time) as platform:
        house = House(platform, time)
        for engine in engines(house):
            share_compiled(engine)
        yield house


def engines(house: House) -> list[Engine]:
    """Return what a house writes to: the store, and the database of the simulated world."""
    world = house.platform.world
    assert world is not None
    return [house.platform.store.engine, world.smdp._engine]


#: What has happened in a launched store before a test begins.
Past = Callable[[House], None]


def uneventful(house: House) -> None:
    """Nothing has happened since the launch."""


def build(url: str, names: tuple[str, ...], past: Past) -> None:
    """Open a store, launch the example brands called `names` into it, and let the past happen."""
    with open_house(url) as house:
        for name in names:
            house.launch(example(name))
        past(house)


class Stores:
    """Launched stores, each made once and copied for every test that wants one."""

    def __init__(self, server: Callable[[], Server], folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._made: dict[str, str] = {}

    @contextmanager
    def copy(self, kind: str, *names: str, past: Past = uneventful) -> Iterator[str]:
        """Give the URL of a new store of this kind, `sqlite` or `postgresql`, in which `names` are launched."""
        template = self._made.get("-".join([kind, past.__name__, *names])) or self._make(kind, names, past)
        if kind == "postgresql":
            with self._server().fresh_database(template) as url:
                yield url
            return
        folder = self._folder / f"copy-{len(list(self._folder.iterdir()))}"
        shutil.copytree(template, folder)
        yield f"sqlite:///{folder / 'store.sqlite'}"
        shutil.rmtree(folder)

    def _make(self, kind: str, names: tuple[str, ...], past: Past) -> str:
        name = "-".join([kind, past.__name__, *names])
        if kind == "postgresql":
            # Kept until the server's end: it throws everything away.
            with self._server().connect() as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            template, url = name, self._server().url(name)
        else:
            template = str(self._folder / name)
            Path(template).mkdir()
            url = f"sqlite:///{template}/store.sqlite"
        build(url, names, past)
        self._made[name] = template
        return template
