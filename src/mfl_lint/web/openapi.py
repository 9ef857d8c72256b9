"""The API described as OpenAPI 3.1: made from the tables of what it answers, so that it is true.

Source: OpenAPI Specification 3.1.0; problem documents are RFC 9457's.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_type_hints

import msgspec

from mfl_lint import __version__
from mfl_lint.core.messages import MessageState
from mfl_lint.core.policy import Severity
from mfl_lint.core.selection import Engine
from mfl_lint.core.truth import Change, FindingState
from mfl_lint.store.view_tags import STATES, Order
from mfl_lint.web.failures import Problem
from mfl_lint.web.links import API
from mfl_lint.web.query import LIMIT, MAX_CHOICES, MAX_CURSOR, MAX_LIMIT, MAX_TEXT, PAGING
from mfl_lint.web.view import Action, View

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/{name}"
_GROUP: Final = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})*))?\}")
_TEXT: Final[Json] = {"type": "string", "maxLength": MAX_TEXT, "pattern": "^[ -~]*$"}
_PATTERNS: Final[Mapping[str, Json]] = {
    "id": {"type": "string", "pattern": r"^[0-9A-Za-z-]{1,100}$"},
}


def _some(values: Iterable[object]) -> Json:
    one = "|".join(re.escape(str(value)) for value in values)
    pattern = f"^(({one})(,({one})){{0,{MAX_CHOICES - 1}}})?$"
    items = {"type": "string", "pattern": pattern}
    return {"type": "array", "items": items, "maxItems": MAX_CHOICES}


_PARAMETERS: Final[Mapping[str, tuple[str, Json]]] = {
    "cursor": (
        "where the list goes on",
        {"type": "string", "maxLength": MAX_CURSOR, "pattern": "^[A-Za-z0-9_-]*$"},
    ),
    "limit": (
        "how many items",
        {
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, {"const": ""}],
            "default": LIMIT,
        },
    ),
    "registry": ("a registry's name, or a pattern with * and ?", _TEXT),
    "repository": ("a repository's name, or a pattern with * and ?", _TEXT),
    "tag": ("a tag, or a pattern with * and ? where findings or tags are listed", _TEXT),
    "rule": ("a rule's id, or a pattern with * and ?", _TEXT),
    "platform": ("a platform, or a pattern of it where findings are listed", _TEXT),
    "severity": ("one or more severities", _some(Severity)),
    "state": ("one or more states; open and unknown without it", _some(FindingState)),
    "age": (
        "how long ago findings were first seen: < or >, a number, h or d",
        {"type": "string", "pattern": "^([<>][0-9]{1,4}[hd])?$"},
    ),
    "is": ("how tags are: one or more states", _some(STATES)),
    "offers": ("a platform that tags offer", _TEXT),
    "lacks": ("a platform that tags do not offer", _TEXT),
    "sort": ("the order of tags", {"type": "string", "enum": ["", *Order]}),
    "before": ("a digest that the tag pointed at; without it the one before `after`", _TEXT),
    "after": ("a digest that the tag pointed at; without it the newest", _TEXT),
    "delivery": ("how messages are: one or more states", _some(MessageState)),
    "change": ("one or more kinds of changes", _some(Change)),
    "engine": ("who pulls; docker, containerd and podman without it", _some(Engine)),
    "reference": ("an image's reference, with a tag", _TEXT | {"minLength": 1}),
    "q": ("a part of a name, or how a tag or digest begins", _TEXT | {"minLength": 1}),
}
_FAILURES: Final[Mapping[str, str]] = {
    "400": "what was sent is wrong, missing or not known here",
    "401": "the token is worth nothing, or nobody said who asks",
    "403": "whoever asks may not, or the service is not known by that host name",
    "404": "there is nothing of that name",
    "405": "this method is not answered here; Allow names those that are",
    "413": "the body is too large",
    "415": "the body is packed",
    "503": "the database does not answer; try again",
}
_ETAG: Final[Json] = {"schema": {"type": "string"}, "description": "changes with the answer"}
_CACHE: Final[Json] = {"schema": {"const": "no-cache"}}


def describe(views: Sequence[View], actions: Sequence[Action]) -> Json:
    """Return the description of all that the views answer and the actions change."""
    answers = {view: get_type_hints(view.read)["return"] for view in views}
    bodies = [kind for action in actions for kind in (action.takes, action.gives) if kind]
    _, components = msgspec.json.schema_components(
        [*answers.values(), *bodies, Problem], ref_template=_SCHEMAS
    )
    paths: Json = {}
    for view, answer in answers.items():
        path, names = _path(view.api)
        paths[f"{API}{path}"] = _reading(
            view, names, "application/json", _ref(answer), view.parameters
        )
        if view.table is not None:
            text = {"type": "string"}
            rest = view.parameters - PAGING
            paths[f"{API}{path}.csv"] = _reading(view, names, "text/csv", text, rest)
    for action in actions:
        path, names = _path(action.api)
        paths.setdefault(f"{API}{path}", {})[action.method.lower()] = _acting(action, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mfl-lint", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": components},
    }


_ABOUT: Final = (
    "What is known of the watched registries. Lists have `items` and `next_cursor`, which is "
    "passed as `cursor` for the next page. Keys may be added, never changed. Failures are "
    "problem documents (RFC 9457)."
)


def _path(pattern: str) -> tuple[str, list[str]]:
    """Return the path of a route's pattern, and the names of its parts."""
    return _GROUP.sub(r"{\1}", pattern), [found[1] for found in _GROUP.finditer(pattern)]


def _reading(
    view: View, names: Sequence[str], kind: str, schema: Json, parameters: Iterable[str]
) -> Json:
    """Return the path's description: reading is all that can be done."""
    said = [_in_path(name) for name in names]
    said += [_in_query(name, name in view.required) for name in sorted(parameters)]
    seen = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
    ending = kind.partition("/")[2]
    get = {
        "summary": _summary(view.read),
        "operationId": f"{view.read.__name__}_{ending}",
        "parameters": [*said, seen],
        "responses": _responses(kind, schema),
    }
    return {"get": get}


def _in_path(name: str) -> Json:
    schema = _PATTERNS.get(name, {"type": "string", "minLength": 1})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(name: str, required: bool) -> Json:
    about, schema = _PARAMETERS[name]
    found = {"name": name, "in": "query", "description": about, "schema": schema}
    return found | {"required": True} if required else found


def _responses(kind: str, schema: Json) -> Json:
    headers = {"ETag": _ETAG, "Cache-Control": _CACHE}
    found: Json = {
        "200": {"description": "found", "headers": headers, "content": {kind: {"schema": schema}}},
        "304": {"description": "the client has it already", "headers": headers},
    }
    return found | _failures(_FAILURES)


def _failures(known: Mapping[str, str]) -> Json:
    content = {"application/problem+json": {"schema": _ref(Problem)}}
    return {status: {"description": about, "content": content} for status, about in known.items()}


def _acting(action: Action, names: Sequence[str]) -> Json:
    """Return the description of a change."""
    done: Json = {"description": "done"}
    if action.gives is not None:
        done["content"] = {"application/json": {"schema": _ref(action.gives)}}
    found: Json = {
        "summary": _summary(action.act),
        "operationId": action.act.__name__,
        "parameters": [_in_path(name) for name in names],
        "responses": {str(action.status): done} | _failures({**_FAILURES, **action.fails}),
    }
    if action.takes is not None:
        content = {"application/json": {"schema": _ref(action.takes)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _ref(kind: type[msgspec.Struct]) -> Json:
    return {"$ref": _SCHEMAS.format(name=kind.__name__)}
