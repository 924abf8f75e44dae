"""The JSON Schema of the plan file as it is shipped to editors."""
