"""One thing to read or to change, and what stands behind its address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mfl_lint.web.answers import Answer
from mfl_lint.web.query import Query
from mfl_lint.web.security import Handler
from mfl_lint.web.services import Services

Reader = Callable[[Services, Mapping[str, str], Query], Awaitable[Answer]]


class Table(msgspec.Struct, frozen=True):
    """A list as CSV: its header, and the rows of one answer.

    Without `columns` the header depends on all answers, and `rows` are given all at once.
    """

    rows: Callable[[Sequence[Any]], Iterable[Sequence[str]]]
    columns: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True):
    """One thing to read: its page (none without a template) and its JSON, at `api`.

    `required` are those of `parameters` that must be given. What is `kept` is sent again while
    nothing is written of any registry, or of the one that its path names; leave it off for what
    depends on anything else. What `walks` observes stored documents, as a crawl observes a
    registry: it waits for more than one thing at once. All else is read in one go.
    """

    read: Reader
    api: str
    path: str = ""
    template: str = ""
    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    table: Table | None = None
    kept: bool = True
    walks: bool = False


class Action(msgspec.Struct, frozen=True):
    """One change that the API makes, of a JSON body that it `takes`, None for none.

    It answers `status` with what it `gives`, None for nothing; `fails` says when it answers with
    which failure beside those that any address may answer with.
    """

    act: Handler
    method: str
    api: str
    status: int
    takes: type[msgspec.Struct] | None = None
    gives: type[Answer] | None = None
    fails: Mapping[str, str] = {}
