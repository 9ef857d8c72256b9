"""What registries say of pushes and deletions, each in its own words: which tags to look at. Pure.

Nothing else of a payload is read: digests, addresses and times in it prove nothing.

Sources: distribution's notifications; the webhook pages of Docker Hub, GitHub packages, Quay,
Harbor and Azure; zot's events; CloudEvents 1.0 (HTTP binding: binary, structured and batched).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from mfl_lint.config import HookKind
from mfl_lint.core.decoding import decode
from mfl_lint.core.digest import is_digest

T = TypeVar("T")
_DELETED: Final = "delete"
_PUSHED: Final = "push"


class Hint(NamedTuple):
    """A tag that may have changed, or a repository in which something did."""

    repository: str
    tag: str = ""


class PayloadInvalid(Exception):
    """The body is not what a registry of that kind sends."""


class _Target(msgspec.Struct):
    repository: str = ""
    tag: str = ""


class _Event(msgspec.Struct):
    action: str = ""
    target: _Target = msgspec.field(default_factory=_Target)


class _Envelope(msgspec.Struct):
    events: list[_Event]


class _Pushed(msgspec.Struct):
    tag: str = ""


class _HubRepository(msgspec.Struct):
    repo_name: str


class _Hub(msgspec.Struct):
    push_data: _Pushed
    repository: _HubRepository


class _TagName(msgspec.Struct):
    name: str = ""


class _Container(msgspec.Struct):
    tag: _TagName | None = None


class _Version(msgspec.Struct):
    container_metadata: _Container | None = None


class _Package(msgspec.Struct):
    name: str
    namespace: str
    package_type: str = ""
    package_version: _Version | None = None


class _GitHub(msgspec.Struct):
    registry_package: _Package | None = None
    package: _Package | None = None


class _Quay(msgspec.Struct):
    repository: str
    updated_tags: list[str] | dict[str, Any] = msgspec.field(default_factory=list)


class _Resource(msgspec.Struct):
    tag: str = ""


class _HarborRepository(msgspec.Struct):
    repo_full_name: str = ""


class _HarborData(msgspec.Struct):
    resources: list[_Resource] = msgspec.field(default_factory=list)
    repository: _HarborRepository = msgspec.field(default_factory=_HarborRepository)


class _Harbor(msgspec.Struct):
    type: str = ""
    event_data: _HarborData | None = None
    data: _HarborData | None = None


class _Cloud(msgspec.Struct):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Named(msgspec.Struct):
    """The data of an event of zot, or of anybody who names a repository and a tag."""

    name: str = ""
    reference: str = ""
    repository: str | _HarborRepository = ""
    tag: str = ""
    resources: list[_Resource] = msgspec.field(default_factory=list)


class _Generic(msgspec.Struct):
    repository: str
    tag: str = ""


def hints(kind: HookKind, body: bytes, headers: Mapping[str, str]) -> list[Hint | None]:
    """Return what each event of a body asks to look at, None for one that asks for nothing.

    Names are as they were sent: nobody checked them. Raise PayloadInvalid.
    """
    try:
        return list(_READERS[kind](body, headers))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise PayloadInvalid(f"this is no event as {kind} sends them") from None


def _read(body: bytes, kind: type[T]) -> T:
    return decode(body, kind)


def _hint(repository: str, tag: str, *, deleted: bool = False) -> Hint | None:
    """Return a hint. What has no tag is a part of something that will have one, or a loss."""
    if tag and not is_digest(tag):
        return Hint(repository, tag)
    return Hint(repository) if deleted else None


def _of_event(event: _Event) -> Hint | None:
    if event.action not in (_PUSHED, _DELETED):
        return None
    target = event.target
    return _hint(target.repository, target.tag, deleted=event.action == _DELETED)


def _distribution(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    yield from map(_of_event, _read(body, _Envelope).events)


def _acr(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    yield _of_event(_read(body, _Event))


def _docker_hub(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    found = _read(body, _Hub)
    yield _hint(found.repository.repo_name, found.push_data.tag)


def _ghcr(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    found = _read(body, _GitHub)
    package = found.registry_package or found.package
    if package is None or package.package_type.lower() != "container":
        yield None
        return
    repository = f"{package.namespace}/{package.name}".lower()
    version = package.package_version
    held = version.container_metadata if version is not None else None
    if held is None:
        yield Hint(repository)
    else:
        yield _hint(repository, held.tag.name if held.tag else "")


def _quay(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    found = _read(body, _Quay)
    for tag in found.updated_tags:
        yield _hint(found.repository, tag)


def _harbor(body: bytes, headers: Mapping[str, str]) -> Iterator[Hint | None]:
    """Read both of Harbor's formats."""
    found = _read(body, _Harbor)
    data = found.event_data or found.data
    if data is None:
        yield from _cloud_events(body, headers)
        return
    yield from _of_harbor(found.type, data.repository.repo_full_name, data.resources)


def _of_harbor(kind: str, name: str, resources: Iterable[_Resource]) -> Iterator[Hint | None]:
    deleted = kind in ("DELETE_ARTIFACT", "harbor.artifact.deleted")
    if not deleted and kind not in ("PUSH_ARTIFACT", "harbor.artifact.pushed"):
        yield None
        return
    for resource in resources:
        yield _hint(name, resource.tag, deleted=deleted)


def _cloud_events(body: bytes, headers: Mapping[str, str]) -> Iterator[Hint | None]:
    kind = headers.get("ce-type")
    if kind is not None:
        yield from _of_cloud(kind, _read(body, _Named))
        return
    if headers.get("content-type", "").startswith("application/cloudevents-batch+json"):
        events = _read(body, list[_Cloud])
    else:
        events = [_read(body, _Cloud)]
    for event in events:
        yield from _of_cloud(event.type, _read(bytes(event.data), _Named))


def _of_cloud(kind: str, data: _Named) -> Iterator[Hint | None]:
    """Read zot's events, Harbor's, and whatever else names a repository and a tag."""
    if isinstance(data.repository, _HarborRepository):
        yield from _of_harbor(kind, data.repository.repo_full_name, data.resources)
    elif data.repository:
        yield Hint(data.repository, data.tag)
    elif kind.endswith((".image.updated", ".image.deleted")):
        # Which word stands before that is a setting of zot's.
        yield _hint(data.name, data.reference, deleted=kind.endswith("deleted"))
    else:
        yield None


def _generic(body: bytes, _: Mapping[str, str]) -> Iterator[Hint | None]:
    found = _read(body, _Generic)
    yield Hint(found.repository, found.tag)


_READERS: Final[Mapping[HookKind, Callable[[bytes, Mapping[str, str]], Iterator[Hint | None]]]] = {
    "distribution": _distribution,
    "dockerhub": _docker_hub,
    "ghcr": _ghcr,
    "quay": _quay,
    "harbor": _harbor,
    "acr": _acr,
    "cloudevents": _cloud_events,
    "generic": _generic,
}
