"""The report is one valid, accessible page that needs nothing else, in French and in English."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from mvne.sandbox import english, french, render
from mvne.sandbox.charts import Frame, Series, bar_chart, line_chart
from mvne.sandbox.simulation import Failure
from mvne.sandbox.words import words
from tests.mvne.sandbox.lives import Lived

_VOID = {"meta", "line", "rect", "polyline"}


class Page(HTMLParser):
    """A page that is read strictly: every element is closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag in ("td", "th", "dd"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th", "dd"):
            self.cells[-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element called `tag`."""
        return [attributes for name, attributes in self.attributes if name == tag]


@pytest.mark.parametrize(("life", "language"), [("seniors", "fr"), ("fans", "en")])
def test_the_page_is_well_formed_in_the_brands_language(
    life: str, language: str, request: pytest.FixtureRequest
) -> None:
    text = render(request.getfixturevalue(life).simulation)
    page = Page(text)
    assert text.startswith("<!doctype html>\n")
    assert page.of("html") == [{"lang": language}]
    ids = [attributes["id"] for _, attributes in page.attributes if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(one.get("scope") in ("col", "row") for one in page.of("th"))


def test_the_page_asks_nobody_for_anything(seniors: Lived) -> None:
    text = render(seniors.simulation)
    addresses = set(re.findall(r"https?://[^\"' ]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in Page(text).attributes}
    assert "url(" not in text


def test_every_chart_has_a_title_and_a_description(seniors: Lived) -> None:
    charts = re.findall(r"<svg.*?</svg>", render(seniors.simulation), re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        root = ElementTree.fromstring(chart)
        title, description = (root.find(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc"))
        assert title is not None
        assert description is not None
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert title.text
        assert description.text


def test_the_tables_carry_the_numbers(seniors: Lived) -> None:
    done, say = seniors.simulation, words("fr", "EUR")
    cells = Page(render(done)).cells
    for month in done.months:
        assert {say.number(month.sold), say.money(month.result.revenue), say.money(month.result.profit)} <= set(cells)
    for plan in done.plans:
        assert {plan.name, say.money(plan.result.host), say.money(plan.owed)} <= set(cells)
    for one in done.failures:
        place = cells.index(say.failure(one.failure))
        counts = (one.happened, one.handled, one.under_way)
        assert cells[place + 1 : place + 4] == [say.number(count) for count in counts]
    assert {say.number(done.priced), say.money(done.total.minimum)} <= set(cells)


def test_the_page_says_that_it_is_simulated_and_how_to_make_it_again(seniors: Lived) -> None:
    done, text = seniors.simulation, render(seniors.simulation)
    assert "Simulé" in text
    assert "graine 7" in text
    assert f"mvne {done.version}, fichier {done.hash}, marché FR au {done.pack.isoformat()}" in text
    assert all(line in text for line in ("Hypothèses", "docs/sandbox.md", seniors.brand.theme.primary))


def test_names_of_a_plan_file_are_text_and_not_markup(seniors: Lived) -> None:
    plan = replace(seniors.simulation.plans[0], name="<b>Douceur</b> & Co")
    text = render(replace(seniors.simulation, name='"<script>', plans=(plan,)))
    assert "<b>Douceur" not in text
    assert "<script>" not in text
    assert "&lt;b&gt;Douceur&lt;/b&gt; &amp; Co" in text


def test_both_languages_say_everything() -> None:
    assert english.TEXTS.keys() == french.TEXTS.keys()
    assert english.NAMES.keys() == french.NAMES.keys()
    assert set(english.FAILURES) == set(french.FAILURES) == set(Failure)
    assert len(english.ASSUMPTIONS) == len(french.ASSUMPTIONS)
    for key, text in english.TEXTS.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", french.TEXTS[key])), key


@pytest.mark.parametrize(
    ("language", "micro", "written"),
    [
        ("fr", 1_234_560_000, "1\N{NARROW NO-BREAK SPACE}234,56"),
        ("en", 1_234_560_000, "1,234.56"),
        ("en-US", -5_000, "-0.01"),
        ("de", 4_999, "0.00"),
    ],
)
def test_money_is_written_as_people_write_it(language: str, micro: int, written: str) -> None:
    assert words(language, "EUR").money(micro) == written


def test_yen_have_no_decimals() -> None:
    assert words("en", "JPY").money(1_500_000) == "2"


@pytest.mark.parametrize(
    ("part", "whole", "written"), [(1, 3, "33.3 %"), (-1, 4, "-25.0 %"), (1, 0, "–"), (1, -2, "–")]
)
def test_a_share_of_nothing_is_a_dash(part: int, whole: int, written: str) -> None:
    assert words("en", "EUR").share(part, whole) == written


def _frame(*labels: str) -> Frame:
    return Frame("f", "Title", "Description", labels, str)


def _bars(chart: str) -> list[tuple[float, float]]:
    """Return top and height of the bars of a chart, the legend's squares left out."""
    svg = ElementTree.fromstring(chart)
    rects = svg.findall("{http://www.w3.org/2000/svg}rect")
    return [(float(one.get("y", "")), float(one.get("height", ""))) for one in rects if one.get("height") != "10"]


def test_a_bar_below_zero_hangs_from_the_line_that_the_others_stand_on() -> None:
    (above, high), (below, low) = _bars(bar_chart(_frame("a", "b"), [Series("s", "#000000", [50, -100])]))
    assert above + high == pytest.approx(below, abs=0.11)
    assert low == pytest.approx(2 * high, abs=0.2)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([0], ["0", "1"]), ([7], ["0", "2", "4", "6", "8"]), ([-3, 12], ["-5", "0", "5", "10", "15"])],
)
def test_the_lines_of_a_chart_are_round_numbers(values: list[int], ticks: list[str]) -> None:
    chart = line_chart(_frame(*map(str, values)), [Series("s", "#000000", values)])
    texts = ElementTree.fromstring(chart).findall("{http://www.w3.org/2000/svg}text")
    assert [one.text for one in texts if one.get("text-anchor") == "end"] == ticks


def test_at_most_a_dozen_labels_stand_below_a_chart() -> None:
    chart = line_chart(_frame(*(f"m{place}" for place in range(60))), [Series("s", "#000000", list(range(60)))])
    texts = ElementTree.fromstring(chart).findall("{http://www.w3.org/2000/svg}text")
    assert len([one for one in texts if one.get("text-anchor") == "middle"]) == 12
