"""The generic webhook: a CloudEvents 1.0 body, signed as Standard Webhooks 1.0 say. Pure.

The signature is over id, timestamp and the very bytes of the body; whoever receives it checks
that, and drops an id that was there before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

import msgspec

from mfl_lint.alert.words import ENDS, link_to, mend_of, said_of
from mfl_lint.core.errors import NotDelivered
from mfl_lint.core.messages import Message
from mfl_lint.core.news import Kind, News

TYPE: Final = "application/cloudevents+json; charset=utf-8"
_PREFIX: Final = "whsec_"
_FEWEST: Final = 16
_MOST: Final = 5


def body_of(message: Message) -> bytes:
    """Return the event; the same message is the same bytes at each try."""
    notice = message.notice
    said = said_of(notice, 0)
    kind = "report" if notice.digest else "alert"
    if any(item.kind is Kind.TEST for item in notice.items):
        kind = "test"
    group = msgspec.structs.asdict(notice.group)
    event = {
        "specversion": "1.0",
        "id": message.key,
        "source": notice.url or "urn:mfl-lint",
        "type": f"mfl-lint.{kind}.v1",
        "time": _time(notice.at),
        "datacontenttype": "application/json",
        "data": {
            "version": 1,
            "title": said.title,
            "summary": said.summary,
            "route": notice.route,
            "group": {name: text for name, text in group.items() if text and name != "route"},
            "items": [_item(item, notice.url) for item in notice.items],
            "left_out": notice.left_out,
            "counts": notice.counted,
            "part": notice.part,
            "more": notice.more,
        },
    }
    return msgspec.json.encode(event)


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _item(item: News, url: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "at": _time(item.at),
        "registry": item.registry,
        "repository": item.repository,
        "tag": item.tag,
        "rule": item.rule,
        "slug": item.slug,
        "severity": item.severity,
        "reference": item.reference,
        "platform": item.platform,
        "digest": item.digest,
        "message": item.message,
        "mend": mend_of(item),
        "fix": "" if item.kind in ENDS else item.fix,
        "fingerprint": item.fingerprint,
        "since": _time(item.since) if item.since else None,
        "count": item.count,
        "page": link_to(item, url),
    }


def headers_of(message: Message, body: bytes, secrets: str, now: datetime) -> dict[str, str]:
    """Return the headers; `secrets` are one or more, separated by spaces, "" for none."""
    stamp = str(int(now.timestamp()))
    headers = {"Content-Type": TYPE, "webhook-id": message.key, "webhook-timestamp": stamp}
    if secrets:
        headers["webhook-signature"] = " ".join(
            signature(key_of(one), message.key, stamp, body) for one in secrets.split()[:_MOST]
        )
    return headers


def key_of(secret: str) -> bytes:
    """Return the key of a secret: `whsec_` and base64; raise NotDelivered for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < _FEWEST:
        raise NotDelivered(
            f"the secret must be {_PREFIX} and the base64 of at least {_FEWEST} bytes", again=False
        )
    return key


def signature(key: bytes, id: str, stamp: str, body: bytes) -> str:  # noqa: A002  # the header's word
    """Return one signature: version and base64."""
    made = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"
