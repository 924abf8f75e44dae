"""Reading a plan file: text, nodes, shape, brand, with every problem on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mvne.brand import Brand
from mvne.markets.market import Market, UnknownMarket, known_markets, load_market
from mvne.planfile.compiling.assemble import assemble
from mvne.planfile.files import MOST_PLAN_BYTES, Unreadable, read_source
from mvne.planfile.findings import Finding, PlanFileInvalid, errors, in_order
from mvne.planfile.models.file import PlanFile
from mvne.planfile.nodes import Document, compose
from mvne.planfile.shape import check_shape
from mvne.planfile.sheet import MARKET_FREE, Sheet


@dataclass(frozen=True, slots=True)
class Examined:
    """What reading a file came to: the brand if there is no error, all findings, and the nodes if it is YAML at all."""

    brand: Brand | None
    findings: list[Finding]
    document: Document | None = None


def load(path: str | Path) -> Brand:
    """Return the brand of a plan file; raise `PlanFileInvalid` with every finding when one of them is an error."""
    brand, findings = examine(path)
    if brand is None:
        raise PlanFileInvalid(findings)
    return brand


def examine(path: str | Path) -> tuple[Brand | None, list[Finding]]:
    """Return the brand, or None when there is an error, and all findings in the order of the file. Raises nothing."""
    examined = inspect(path)
    return examined.brand, examined.findings


def inspect(path: str | Path) -> Examined:
    """Return brand, findings and nodes of a plan file. Raises nothing."""
    place = Path(path)
    try:
        source = read_source(place, str(path), MOST_PLAN_BYTES)
    except Unreadable as error:
        return Examined(None, [error.source.finding(error.place, (), error.code, error.message)])
    document, findings = compose(source)
    if document is None:
        return Examined(None, in_order(findings))
    shape = check_shape(document)
    findings += shape.findings
    brand = None
    if shape.file is not None:
        sheet = Sheet(document, place.parent, shape.missing)
        brand = _compile(sheet, shape.file, place)
        findings += sheet.findings
    return Examined(None if errors(findings) else brand, in_order(findings), document)


def _compile(sheet: Sheet, file: PlanFile, source: Path) -> Brand | None:
    try:
        market = load_market(file.brand.market)
    except UnknownMarket as error:
        sheet.note(("brand", "market"), "unknown_market", str(error))
        _compile_anywhere(sheet, file, load_market(known_markets()[0]), source)
        return None
    return assemble(sheet, file, market, source)


def _compile_anywhere(sheet: Sheet, file: PlanFile, market: Market, source: Path) -> None:
    """Note what is wrong in any market: prices, quantities, dates."""
    trial = Sheet(sheet.document, sheet.folder, sheet.left_out)
    assemble(trial, file, market, source)
    sheet.findings += [finding for finding in trial.findings if finding.code in MARKET_FREE]
