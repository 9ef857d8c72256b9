"""Messages as text: short, Markdown, or an HTML mail; everything escaped for where it is read.

Templates cannot call, multiply or loop without end: what they may do is bounded, since others
than ours come from the settings.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mfl_lint.alert.words import Said, said_of, title_of
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.inert import inert
from mfl_lint.core.messages import Notice
from mfl_lint.resources import templates_path

LONGEST: Final = 64 * 1024
_FILES: Final = {"short": "short.txt", "markdown": "notice.md", "html": "mail.html"}
# So many items of a section are shown, the first number at which the text fits.
_SIZES: Final = (50, 20, 10, 5, 3, 2, 1, 0)
_FILTERS: Final = (
    "default", "escape", "first", "join", "last", "length", "list", "lower", "replace", "title",
    "trim", "truncate", "upper",
)  # fmt: skip
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#!|<>~&@]|:(?=/))")
_BLANK: Final = re.compile(r"\n{3,}")
_MENTION: Final = re.compile(r"@(?=\w)")


class TemplateBroken(Exception):
    """A template of the settings that cannot be used; the text says why, in one line."""


class _Done(str):
    """Text that is in its form already. In HTML it is escaped all the same."""

    __slots__ = ()


class _Bounded(ImmutableSandboxedEnvironment):
    """An environment whose templates only show what they are given."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what makes much of little."""
        raise SecurityError(f"{operator} is not for templates here")

    def is_safe_callable(self, obj: Any) -> bool:
        """Return False: nothing is called."""
        return False


def rendered(notice: Notice, channel: ChannelConfig, family: str, longest: int) -> tuple[str, str]:
    """Return title and body in the form of a family, the body with `longest` characters at most.

    Raise TemplateBroken for a template of the settings that cannot be used.
    """
    title = title_of(notice)
    if channel.title:
        title = inert(_filled(channel.title, "short", said_of(notice, 0), 1000).strip())[:250]
    bound = min(longest, LONGEST)
    for most in _SIZES:
        body = _filled(channel.body, family, said_of(notice, most), 4 * LONGEST)
        if len(body) <= bound or most == 0:
            return title, body if len(body) <= bound else f"{body[: bound - 1]}…"
    raise AssertionError


def _filled(template: str, family: str, said: Said, bound: int) -> str:
    """Return the template (ours where it is "") with what is said, cut at the bound."""
    environment = _environment(family)
    try:
        if template:
            made = environment.from_string(template)
        else:
            made = environment.get_template(_FILES[family])
        text, size = [], 0
        for piece in made.generate(
            **{name: getattr(said, name) for name in said.__struct_fields__}
        ):
            text.append(piece)
            size += len(piece)
            if size > bound:
                break
    except (TemplateError, TypeError, ValueError, RecursionError, ArithmeticError) as error:
        if not template:
            raise
        raise TemplateBroken(inert(f"the template cannot be used: {error}")[:200]) from None
    return _BLANK.sub("\n\n", "".join(text)[:bound].strip()) + "\n"


def _environment(family: str) -> _Bounded:
    environment = _Bounded(
        loader=FileSystemLoader(templates_path() / "alert"),
        autoescape=family == "html",
        undefined=StrictUndefined,
        finalize={"short": _plain, "markdown": _escaped, "html": _shown}[family],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters |= {"code": code, "block": block, "address": address}
    return environment


def _plain(value: Any) -> Any:
    """Return text in which no service finds a mention or a link with another name."""
    if not isinstance(value, str) or isinstance(value, _Done):
        return value
    text = value.replace("<", "‹").replace(">", "›").replace("://", ":\u200b//")
    return _MENTION.sub("@\u200b", text)


def _escaped(value: Any) -> Any:
    """Return text in which Markdown sees nothing; addresses of ours stay what they are."""
    if not isinstance(value, str) or isinstance(value, _Done):
        return value
    return _MENTION.sub("@\u200b", _MARKDOWN.sub(r"\\\1", inert(value)))


def _shown(value: Any) -> Any:
    """Return what is escaped by itself."""
    return value


def code(text: str) -> str:
    """Return one code span of Markdown: nothing in it is markup, a mention or a link.

    Not every chat knows spans with several backticks, so none is left inside.
    """
    shown = inert(str(text)).replace("`", "'").strip()
    return _Done(f"`{shown}`") if shown else _Done("")


def block(text: str) -> str:
    """Return a code block of Markdown."""
    shown = re.sub("`{3,}", "'''", str(text))
    return _Done(f"```\n{shown}\n```")


def address(text: str) -> str:
    """Return an address of ours as the target of a link in Markdown."""
    return _Done(quote(text, safe=":/?#=&%@,;+~-._[]"))
