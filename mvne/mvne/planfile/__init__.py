"""The plan file: a mobile brand in one YAML file, read with every problem reported at once."""

from mvne.planfile.findings import Finding, PlanFileInvalid, Severity, as_json, errors, render
from mvne.planfile.reading import examine, load

__all__ = ["Finding", "PlanFileInvalid", "Severity", "as_json", "errors", "examine", "load", "render"]
