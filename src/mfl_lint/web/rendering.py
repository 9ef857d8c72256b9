"""Templates and static files: read once, everything escaped, nothing undefined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mfl_lint import __version__
from mfl_lint.core.mendable import mend_command
from mfl_lint.web import chart, links, present, query, wording
from mfl_lint.web.fragments import Fragments, Shown

_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class StaticFile(msgspec.Struct, frozen=True):
    """One file beside the templates; `mark` changes when its bytes do."""

    body: bytes
    content_type: str
    mark: str


class Pages:
    """The templates of one application. `now` gives the time that ages are told from."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self.static = read_static(folder / "static")
        self._now = now
        self._environment = _environment(folder)
        self._environment.globals["asset"] = self._asset
        macros: Any = self._environment.get_template("macros.html").module
        self._fragments = Fragments(partial(getattr, macros))

    def render(self, template: str, **context: Any) -> str:
        """Return the page. Every template may use `now`, `shown`, the filters and `links`."""
        now = self._now()
        when = partial(wording.time_element, now=now)
        shown = Shown(self._fragments, now)
        page = self._environment.get_template(template)
        return page.render(now=now, when=when, shown=shown, **context)

    def _asset(self, name: str) -> str:
        """Return a static file's path, which changes with its bytes."""
        return f"/static/{name}?v={self.static[name].mark}"


PAGES: Final = web.AppKey("pages", Pages)


def read_static(folder: Path) -> dict[str, StaticFile]:
    """Return the static files by name; only these are ever served."""
    return {
        path.name: StaticFile(body, _TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
        for body in (path.read_bytes(),)
    }


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "breakable": wording.breakable,
        "digest": wording.digest_element,
        "duration": wording.duration,
        "first_sentence": wording.first_sentence,
        "inline": wording.inline,
        "linked": wording.linked,
        "number": wording.number,
        "prose": wording.prose,
        "size": wording.size,
    }
    environment.globals |= {
        "ages": query.AGES,
        "apart": present.apart,
        "chart": chart.chart,
        "counted": wording.counted,
        "links": links,
        "mend_command": mend_command,
        "release": __version__,
    }
    environment.tests["mendable"] = _is_mendable
    return environment


def _is_mendable(item: Any) -> bool:
    """Say whether our own command mends a finding."""
    return bool(mend_command(item.rule, item.reference, item.fix))


def _inert(value: Any) -> Any:
    """Make what a template prints visible; it is escaped afterwards."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return wording.visible(str(value))
    return value
