"""Where each page is. The JSON beside a page has the same path under `/api/v1`.

`@` and `:` cannot occur in a repository's name, `/` not in a tag, so `/t/NAME:TAG` names
exactly one tag whatever the components of the name are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlencode

API: Final = "/api/v1"
EVENTS: Final = f"{API}/crawls/events"


def registry(name: str) -> str:
    """Return the path of a registry's page."""
    return f"/registries/{quote(name, safe='')}"


def repository(registry_name: str, name: str) -> str:
    """Return the path of a repository's page."""
    return f"/r/{quote(registry_name, safe='')}/{quote(name)}"


def tag(registry_name: str, repository_name: str, name: str) -> str:
    """Return the path of a tag's page."""
    place = f"{quote(registry_name, safe='')}/{quote(repository_name)}"
    return f"/t/{place}:{quote(name, safe=':')}"


def difference(registry_name: str, repository_name: str, name: str, **digests: str) -> str:
    """Return the path of what differs between two digests, `before` and `after`, of a tag."""
    path = f"/d{tag(registry_name, repository_name, name).removeprefix('/t')}"
    return f"{path}?{urlencode(digests)}" if digests else path


@lru_cache(maxsize=4096)
def subject(registry_name: str, repository_name: str, tag_name: str) -> str:
    """Return the path of what a finding is about: its tag, or its repository."""
    if not tag_name:
        return repository(registry_name, repository_name)
    return tag(registry_name, repository_name, tag_name)


def rule(id: str) -> str:  # noqa: A002  # the field's word
    """Return the path of a rule's page."""
    return f"/rules/{quote(id, safe='')}"


def crawl(id: int) -> str:  # noqa: A002  # the field's word
    """Return the path of a crawl's page."""
    return f"/crawls/{id}"


def crawls(registry_name: str) -> str:
    """Return the path of the list of a registry's crawls."""
    return f"/crawls?{urlencode({'registry': registry_name})}"


def plan(registry_name: str, repository_name: str, name: str) -> str:
    """Return the path of the plan that mends a tag's list."""
    return f"/plans{tag(registry_name, repository_name, name).removeprefix('/t')}"


def push(registry_name: str, repository_name: str, name: str) -> str:
    """Return the path of the form that carries a tag's plan out."""
    return f"/push{tag(registry_name, repository_name, name).removeprefix('/t')}"


def scan_new(registry_name: str, repository_name: str, tag_name: str = "") -> str:
    """Return the path of the form that asks for a look."""
    place = {"registry": registry_name, "repository": repository_name, "tag": tag_name}
    return f"/scans/new?{urlencode({name: text for name, text in place.items() if text})}"


def ignore_new(rule_id: str, registry_name: str, repository_name: str, tag_name: str) -> str:
    """Return the path of the form that ignores a finding."""
    place = {"registry": registry_name, "repository": repository_name, "tag": tag_name}
    filled = {"rule": rule_id, **{name: text for name, text in place.items() if text}}
    return f"/ignores/new?{urlencode(filled)}"


def silence_new(rule_id: str, registry_name: str, repository_name: str, tag_name: str) -> str:
    """Return the path of the form that silences what is like a finding."""
    path = ignore_new(rule_id, registry_name, repository_name, tag_name)
    return path.replace("/ignores/", "/silences/", 1)


def acknowledge_new(fingerprint: str) -> str:
    """Return the path of the form that acknowledges a finding."""
    return f"/acknowledgements/new?{urlencode({'fingerprint': fingerprint})}"


def oidc(wanted: str) -> str:
    """Return the path that leads to the issuer, and back to the page that is wanted."""
    return f"/login/oidc?{urlencode({'next': wanted})}"


def badge(registry_name: str, repository_name: str, name: str) -> str:
    """Return the path of a tag's badge."""
    place = f"{quote(registry_name, safe='')}/{quote(repository_name)}"
    return f"/badge/{place}/{quote(name, safe='')}.svg"


def feed(**filters: str) -> str:
    """Return the path of the feed of changes, narrowed."""
    return f"/feed.atom?{urlencode(filters)}" if filters else "/feed.atom"


def findings(**filters: str) -> str:
    """Return the path of the list of findings, narrowed."""
    return f"/findings?{urlencode(filters)}" if filters else "/findings"


def matrix(**filters: str) -> str:
    """Return the path of the matrix across repositories, narrowed."""
    return f"/matrix?{urlencode(filters)}" if filters else "/matrix"
