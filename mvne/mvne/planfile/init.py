"""The first plan file of a new brand: some thirty lines that pass every check, to be changed from there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from mvne.errors import MvneError
from mvne.markets.market import Market, load_market
from mvne.planfile.findings import did_you_mean, listed
from mvne.planfile.schema import FILE_NAME, schema_text

PLAN_NAME = "plan.yaml"
TAX_NAME = "taxes.csv"

#: What one euro of the templates becomes in currencies of another order of magnitude: a starting point in round
#: figures, not a rate of exchange. Every other currency is taken one to one.
_PER_EURO = {"COP": 4000, "INR": 90, "SEK": 11}
_US_STATES = (
    "AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK "
    "OR PA RI SC SD TN TX UT VA VT WA WI WV WY"
)


class UnknownTemplate(MvneError):
    """There is no template of that name."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """One plan of a template; prices in euros, `{minute}` stands for the price of a minute."""

    id: str
    price: str
    includes: str
    then: str
    fair_use: str = ""


@dataclass(frozen=True, slots=True)
class _Template:
    pay: str
    offers: tuple[_Offer, ...]
    minimum_age: int | None = None


_SLOW = "data: slow 128 kbit/s"
_STOP = "voice: stop, sms: stop, data: stop"
_ALL = "voice: unlimited, sms: unlimited, data: "
_FAIR = "voice: 3000 min, sms: 3000 sms, then: review"

TEMPLATES: dict[str, _Template] = {
    "seniors": _Template(
        "postpaid",
        (
            _Offer("light", "4.90", "voice: 60 min, sms: unlimited, data: 1 GB", f"voice: {{minute}}/min, {_SLOW}"),
            _Offer("plenty", "12.90", f"{_ALL}5 GB", _SLOW, _FAIR),
        ),
        minimum_age=60,
    ),
    "celebrity": _Template(
        "prepaid",
        (_Offer("fan", "19.00", f"{_ALL}10 GB", _SLOW, _FAIR), _Offer("star", "29.00", f"{_ALL}20 GB", _SLOW, _FAIR)),
    ),
    "travel": _Template(
        "prepaid",
        (
            _Offer("weekend", "9.00", "voice: 30 min, sms: 30 sms, data: 5 GB", _STOP),
            _Offer("journey", "19.00", "voice: 60 min, sms: 60 sms, data: 12 GB", _STOP),
        ),
    ),
    "kids": _Template(
        "prepaid",
        (
            _Offer("first", "5.00", "voice: 60 min, sms: 100 sms, data: 1 GB", _STOP),
            _Offer("second", "9.00", "voice: 120 min, sms: 300 sms, data: 3 GB", f"voice: stop, sms: stop, {_SLOW}"),
        ),
    ),
    "general": _Template(
        "postpaid",
        (
            _Offer(
                "basic",
                "7.00",
                "voice: 120 min, sms: 200 sms, data: 5 GB",
                f"voice: {{minute}}/min, sms: {{minute}}, {_SLOW}",
            ),
            _Offer("plenty", "15.00", f"{_ALL}20 GB", _SLOW, _FAIR),
        ),
    ),
}


def init_files(name: str, market: str, template: str) -> dict[str, str]:
    """Return what `mvne init` writes, by file name: the plan file, its schema and, where it needs one, a tax table.

    Raises `mvne.markets.market.UnknownMarket` or `UnknownTemplate`.
    """
    files = {PLAN_NAME: init_text(name, market, template), FILE_NAME: schema_text()}
    found = load_market(market)
    return files if found.vat is not None else {**files, TAX_NAME: _taxes(found)}


def init_text(name: str, market: str, template: str) -> str:
    """Return a plan file for a brand of that name; the files it names are those of `init_files`."""
    if template not in TEMPLATES:
        hint = did_you_mean(template, TEMPLATES)
        known = listed(TEMPLATES, "and")
        raise UnknownTemplate(f"there is no template {template!r}; {hint} templates are {known}".replace("  ", " "))
    found = load_market(market)
    one = TEMPLATES[template]
    lines = [*_brand(name, found, template, one), *_host(found), "", "plans:"]
    lines += [line for offer in one.offers for line in _plan(offer, one.pay, found)]
    zones = "eea: domestic, other: refuse" if "eea" in found.zones else "other: refuse"
    lines += ["", f"roaming: {{{zones}}}"]
    lines += ["thresholds: [50, 80]               # percent of an allowance at which subscribers hear of it"]
    lines += [f"tax: {{table: {TAX_NAME}}}"] if found.vat is None else []
    return "\n".join(lines) + "\n"


def brand_id(name: str) -> str:
    """Return the id for a brand's name.

    >>> brand_id("Tilleul Mobile"), brand_id("Été 2027!"), brand_id("!")
    ('tilleul-mobile', 'ete-2027', 'brand')
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:40].strip("-") or "brand"


def _brand(name: str, market: Market, template: str, one: _Template) -> list[str]:
    shown = "".join(sign for sign in name if sign.isprintable()).strip()[:80] or "Brand"
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    return [
        f"# yaml-language-server: $schema={FILE_NAME}",
        "# All prices are made up: put your own in their place. Then: mvne check plan.yaml, mvne launch plan.yaml",
        "brand:",
        f"  id: {brand_id(name)}",
        f'  name: "{quoted}"',
        f'  market: "{market.code}"',
        f"  segment: {template}              # the use that margins are computed at",
        *([f"  audience: {{minimum_age: {one.minimum_age}}}"] if one.minimum_age else []),
        "",
    ]


def _host(market: Market) -> list[str]:
    lines = [
        "host:",
        "  network: simulated",
        "  agreement:                       # what the host network charges the brand",
        "    from: 2026-01-01",
        f"    line: {_money('0.60', market)}/month",
        f"    voice: {_money('0.003', market)}/min",
        f"    sms: {_money('0.002', market)}",
        f"    data: {_money('0.40', market)}/GB",
    ]
    if not market.fictional.ranges:
        borrowed = market.fictional.borrowed[0]
        lines.append(f"  # {market.name} keeps no numbers for fiction; the sandbox borrows North American ones.")
        lines.append(f"  numbers: [{{from: {borrowed.first}, to: {borrowed.last}}}]")
    return lines


def _plan(offer: _Offer, pay: str, market: Market) -> list[str]:
    return [
        f"  - id: {offer.id}",
        f"    pay: {pay}",
        f"    price: {_money(offer.price, market)}",
        f"    includes: {{{offer.includes}}}",
        f"    then: {{{offer.then.format(minute=_money('0.05', market))}}}",
        *([f"    fair_use: {{{offer.fair_use}}}"] if offer.fair_use else []),
    ]


def _money(euros: str, market: Market) -> str:
    factor = _PER_EURO.get(market.currency)
    return euros if factor is None else f"{(Decimal(euros) * factor).normalize():f}"


def _taxes(market: Market) -> str:
    head = "region,name,percent,per_line\n"
    rows = market.pack["tax"].get("rows")
    if not rows:
        note = "# Made-up figures: put the taxes in force in their place.\n"
        return note + head + "".join(f"{region},Sales tax (made up),10,\n" for region in _US_STATES.split())
    note = f"# From the market pack {market.code} of {market.as_of}; check them before you bill.\n"
    taxes = [(row["province"], tax, row[tax]) for row in rows for tax in ("gst", "hst", "pst", "qst") if tax in row]
    return note + head + "".join(f"{region},{tax.upper()},{percent},\n" for region, tax, percent in taxes)
