"""The formats by name; a format's module is imported when somebody wants it."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from mfl_lint.report.material import Material

TEXT: Final = "text"
JSON: Final = "json"
_MODULES: Final = {
    "sarif": "sarif",
    "junit": "junit",
    "github": "github",
    "gitlab": "gitlab",
    "markdown": "markdown",
    "csv": "csv_table",
    "html": "html_page",
}
FORMATS: Final = (TEXT, JSON, *_MODULES)


def render(
    name: str,
    material: Material,
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Return the report in the format; the last three are for `text` alone."""
    scan, ignored = material.scan, material.ignored
    if name == TEXT:
        from mfl_lint.report.text import render_text

        return render_text(scan, width=width, color=color, unicode=unicode, ignored=ignored)
    if name == JSON:
        from mfl_lint.report.json_v1 import render_json

        return render_json(scan, ignored=ignored)
    module = import_module(f"mfl_lint.report.{_MODULES[name]}")
    text: str = getattr(module, f"render_{name}")(material)
    return text
