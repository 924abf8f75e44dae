"""What all sections of a plan file have in common."""

from __future__ import annotations

from pydantic import BaseModel, BeforeValidator, ConfigDict

from mvne.planfile.scalars import as_text

#: Before a choice of words: a number or a boolean that a library's user passes is text here.
TextFirst = BeforeValidator(as_text)


class Section(BaseModel):
    """A map of the plan file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
