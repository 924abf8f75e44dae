"""The examples of `docs/rating.md` are run as they stand there."""

from __future__ import annotations

import doctest

from scripts.packages import ROOT

PAGE = ROOT / "docs" / "rating.md"


def test_the_examples_of_the_rating_page_come_out_as_written() -> None:
    text = "\n".join(line for line in PAGE.read_text(encoding="utf-8").splitlines() if not line.startswith("```"))
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(examples.examples) > 40
    told: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=told.append)
    assert result.failed == 0, "".join(told)
