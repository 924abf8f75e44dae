"""Batches of profiles as CSV: one heading, one profile a line; the columns are found by their names, in any order.

The separator is a comma, semicolon, tab or bar, whichever the heading has most of. Everything that is wrong with the
file is said at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from mvne_provisioning.inventory.vendor import Field, Problem, VendorBatch, VendorFileRefused, VendorProfile
from mvne_provisioning.inventory.vendor_checks import Ordered, count_problem, problems_of
from mvne_provisioning.inventory.vendor_rows import columns_of, read_row

_SEPARATORS = ",;\t|"
_NONE: Mapping[str, Field] = {}


def read_csv(text: str, ordered: Ordered | None = None, own: Mapping[str, Field] = _NONE) -> VendorBatch:
    """Return the batch in a CSV file; `own` maps headings that are not commonly known. Raise `VendorFileRefused`.

    >>> read_csv("imsi;iccid\\n999700000000001;8999970000000000019\\n").profiles
    (VendorProfile(line=2),)
    """
    ordered = ordered or Ordered()
    lines = _lines(text)
    heading_line, names = next(lines, (1, []))
    if not names:
        raise VendorFileRefused([Problem(None, "the file is empty; the first line names the columns")])
    columns = columns_of([name.strip() for name in names], heading_line, ordered, own)
    problems: list[Problem] = []
    profiles: list[VendorProfile] = []
    count = 0
    try:
        for line, cells in lines:
            count += 1
            if profile := read_row(cells, line, columns, ordered, problems):
                profiles.append(profile)
    except csv.Error as error:
        problems.append(Problem(None, f"after {count} profiles it is no CSV: {error}"))
    problems += [*count_problem(count, ordered.quantity, "the order"), *problems_of(profiles, ordered)]
    if not count:
        problems.append(Problem(None, "there is no profile behind the heading"))
    if problems:
        raise VendorFileRefused(problems)
    return VendorBatch({}, tuple(profiles))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not blank, each with its number."""
    heading = text.lstrip("\ufeff\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=heading.count)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator, strict=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells
