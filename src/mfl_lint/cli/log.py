"""Logs on the standard error: what libraries complain of, what a service does, who asked it."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mfl_lint.config_serve import ServeConfig

_ACCESS: Final = "mfl_lint.access"
# What apprise sends with, in threads of its own too. A test compares how ours are called.
_SENDERS: Final = frozenset(
    {"apprise", "urllib3", "requests", "oauthlib", "requests_oauthlib", "paho", "slixmpp"}
)
THREADS: Final = "alert "


def set_up_logs(*, debug: bool) -> None:
    """Keep the libraries' and the rules' complaints off the terminal, unless they are wanted."""
    root = logging.getLogger()
    if root.handlers:
        return
    if not debug:
        root.addHandler(logging.NullHandler())
        return
    root.addHandler(_on_stderr(Plain("%(levelname)s %(name)s: %(message)s")))
    root.setLevel(logging.DEBUG)


def show_log(serve: ServeConfig) -> None:
    """Say on the standard error what a service does, a line an event, and a line a request."""
    access = logging.getLogger(_ACCESS)
    access.propagate = False
    access.handlers = [_on_stderr(logging.Formatter("%(message)s"))]
    log = logging.getLogger("mfl_lint")
    log.setLevel(logging.INFO)
    if any(isinstance(item, logging.StreamHandler) for item in logging.getLogger().handlers):
        return
    plain = Plain("%(asctime)s %(levelname)s %(message)s")
    log.addHandler(_on_stderr(Json() if serve.log == "json" else plain))


def _on_stderr(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_is_free_of_addresses)
    return handler


def _is_free_of_addresses(record: logging.LogRecord) -> bool:
    """Say whether a record is none of those that send messages: their addresses are secrets.

    Whatever they log (paths, bodies, what was answered) may have a part of one in it.
    """
    library = record.name.partition(".")[0]
    if library == "mfl_lint":
        return True
    in_theirs = str(record.threadName).startswith(THREADS)
    return library not in _SENDERS and not in_theirs


class Plain(logging.Formatter):
    """One record without credentials, each of its lines inert."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        from mfl_lint.cli.failures import scrubbed
        from mfl_lint.report.inert import inert

        return "\n".join(inert(line) for line in scrubbed(super().format(record)).splitlines())


class Json(logging.Formatter):
    """One record without credentials as one line of JSON, its traceback in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        import msgspec

        from mfl_lint.cli.failures import scrubbed
        from mfl_lint.report.inert import encodable

        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": encodable(scrubbed(record.getMessage())),
        }
        if record.exc_info:
            line["traceback"] = encodable(scrubbed(self.formatException(record.exc_info)))
        return msgspec.json.encode(line).decode()
