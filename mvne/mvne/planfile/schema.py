"""The JSON Schema of the plan file, for editors that complete and check while one types."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from mvne.planfile.models.file import PlanFile

#: Name of the schema in the package and beside a plan file that `mvne init` wrote.
FILE_NAME = "plan.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema, generated from the models."""
    schema = PlanFile.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **_without_null(schema)}


def schema_text() -> str:
    """Return the schema as it is shipped: the text that `mvne schema` prints and `mvne init` writes."""
    return resources.files("mvne.schema").joinpath(FILE_NAME).read_text(encoding="utf-8")


def dumps() -> str:
    """Return the text that belongs into the shipped file; a test compares the two."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def _without_null(schema: Any) -> Any:
    """Drop `null`: a key of a plan file that has no value is a mistake, so that an editor should flag it."""
    if isinstance(schema, list):
        return [_without_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if not (key == "default" and value is None)}
    options = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if "anyOf" in kept:
        kept |= {"anyOf": options}
        if len(options) == 1:
            del kept["anyOf"]
            kept = options[0] | kept
    return kept
