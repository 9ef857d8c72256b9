"""Everything that apprise knows: mail, chats, phones. It is imported when something is sent."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from mfl_lint.alert.rendering import LONGEST, TemplateBroken, rendered
from mfl_lint.alert.threads import Threads
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.errors import NotDelivered
from mfl_lint.core.messages import Notice

_HTML: Final = frozenset({"mailto", "mailtos", "ses", "sendgrid", "mailgun", "smtp2go", "resend"})
_MARKDOWN: Final = frozenset(
    {
        "slack", "msteams", "workflow", "workflows", "discord", "mmost", "mmosts", "rocket",
        "rockets", "matrix", "matrixs", "ntfy", "ntfys", "gotify", "gotifys", "gchat", "wxteams",
        "webex", "zulip", "nctalk", "nctalks", "guilded", "revolt", "ryver", "lark", "feishu",
    }
)  # fmt: skip
_ROOM_FOR_TITLE: Final = 300
_FEWEST: Final = 100


def family_of(channel: ChannelConfig, url: str) -> str:
    """Return short, markdown or html: what is set, else what suits the service."""
    if channel.format:
        return channel.format
    scheme = urlsplit(url).scheme.lower()
    if scheme in _HTML:
        return "html"
    return "markdown" if scheme in _MARKDOWN else "short"


async def notify(notice: Notice, channel: ChannelConfig, url: str, threads: Threads) -> str:
    """Hand a message to the service, in one of the channel's threads; raise NotDelivered.

    Return "", or why a template of the settings was not used: ours was then.
    """
    try:
        async with asyncio.timeout(channel.timeout_s):
            return await threads.run(channel.name, partial(_notify, notice, channel, url))
    except TimeoutError:
        raise NotDelivered(f"no answer within {channel.timeout_s:g} s", again=True) from None


def _notify(notice: Notice, channel: ChannelConfig, url: str) -> str:
    try:
        import apprise
    except ImportError:
        raise NotDelivered("it needs more: pip install '.[alerts]'", again=True) from None
    # With a time of its own, apprise would hand what it sends to threads that all services share.
    asset = apprise.AppriseAsset(
        app_id="mfl-lint",
        app_desc="mfl-lint",
        image_url_mask="",
        image_url_logo="",
        service_timeout=0,
    )
    plugin: Any = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        raise NotDelivered("the address is none that apprise knows", again=False)
    family = family_of(channel, url)
    room = max(_FEWEST, int(plugin.body_maxlen) - _ROOM_FOR_TITLE)
    problem = ""
    try:
        title, body = rendered(notice, channel, family, min(room, LONGEST))
    except TemplateBroken as error:
        ours = ChannelConfig(channel.name, channel.kind)
        title, body = rendered(notice, ours, family, min(room, LONGEST))
        problem = str(error)
    carrier = apprise.Apprise(asset=asset)
    carrier.add(plugin)
    formats = {"short": "text", "markdown": "markdown", "html": "html"}
    try:
        taken = carrier.notify(body=body, title=title, body_format=formats[family])
    except Exception as error:
        raise NotDelivered(f"apprise failed: {type(error).__name__}", again=True) from None
    if not taken:
        raise NotDelivered("the service did not take it", again=True)
    return problem
