"""What registries of each kind send, and which tags it is about."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec
import pytest

from mfl_lint.config import HookKind
from mfl_lint.web.hook_events import Hint, PayloadInvalid, hints

DIGEST: Final = "sha256:" + "a" * 64
APP: Final = Hint("team/app", "v1")
ALL: Final = Hint("team/app")
MANIFEST: Final = "application/vnd.oci.image.index.v1+json"
LAYER: Final = "application/octet-stream"


def distribution(action: str, **target: str) -> dict[str, Any]:
    named = {"repository": "team/app", "digest": DIGEST, "size": 7, "length": 7, **target}
    return {"id": "1", "timestamp": "2026-03-01T00:00:00Z", "action": action, "target": named}


def harbor(kind: str, *tags: str) -> dict[str, Any]:
    resources = [{"digest": DIGEST, "tag": tag, "resource_url": "h/x"} for tag in tags]
    repository = {"name": "app", "namespace": "team", "repo_full_name": "team/app"}
    data = {"resources": resources, "repository": repository}
    if kind.startswith("harbor."):
        return {"specversion": "1.0", "id": "1", "source": "/p", "type": kind, "data": data}
    return {"type": kind, "occur_at": 1, "operator": "admin", "event_data": data}


def github(key: str, tag: str | None, kind: str = "CONTAINER") -> dict[str, Any]:
    held = None if tag is None else {"tag": {"name": tag, "digest": DIGEST}, "labels": None}
    version = {"id": 1, "container_metadata": held}
    package = {"name": "app", "namespace": "Team", "package_type": kind, "package_version": version}
    return {"action": "published", key: package, "sender": {"login": "x"}}


def cloud(kind: str, **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "s", "type": kind, "data": data}


SENT: Final[dict[str, tuple[HookKind, Any, list[Hint | None]]]] = {
    "a push to distribution, with its layers and children": (
        "distribution",
        {
            "events": [
                distribution("push", mediaType=LAYER),
                distribution("push", mediaType=MANIFEST),
                distribution("push", mediaType=MANIFEST, tag="v1"),
                distribution("pull", mediaType=MANIFEST, tag="v1"),
                distribution("mount", mediaType=LAYER, fromRepository="a/b"),
            ]
        },
        [None, None, APP, None, None],
    ),
    "a deletion in distribution names no tag": (
        "distribution",
        {"events": [distribution("delete"), distribution("delete", tag="v1")]},
        [ALL, APP],
    ),
    "Docker Hub": (
        "dockerhub",
        {
            "callback_url": "https://registry.hub.docker.example/u/team/app/hook/1/",
            "push_data": {"pushed_at": 1, "pusher": "x", "tag": "v1", "images": []},
            "repository": {"repo_name": "team/app", "namespace": "team", "name": "app"},
        },
        [APP],
    ),
    "GitHub, a tag": ("ghcr", github("registry_package", "v1"), [APP]),
    "GitHub, its other event": ("ghcr", github("package", "v1"), [APP]),
    "GitHub, a child": ("ghcr", github("registry_package", ""), [None]),
    "GitHub, nothing said of tags": ("ghcr", github("registry_package", None), [ALL]),
    "GitHub, another package": ("ghcr", github("registry_package", "v1", "npm"), [None]),
    "GitHub, a ping": ("ghcr", {"zen": "Keep it logically awesome.", "hook_id": 1}, [None]),
    "Quay": (
        "quay",
        {"repository": "team/app", "docker_url": "q/x", "updated_tags": ["v1", "v2"]},
        [APP, Hint("team/app", "v2")],
    ),
    "Quay, as it was": (
        "quay",
        {"repository": "team/app", "updated_tags": {"v1": "id"}},
        [APP],
    ),
    "Harbor": ("harbor", harbor("PUSH_ARTIFACT", "v1", DIGEST), [APP, None]),
    "Harbor, deleted": ("harbor", harbor("DELETE_ARTIFACT", "v1", ""), [APP, ALL]),
    "Harbor, pulled": ("harbor", harbor("PULL_ARTIFACT", "v1"), [None]),
    "Harbor, its CloudEvents": ("harbor", harbor("harbor.artifact.pushed", "v1"), [APP]),
    "Harbor, to a hook of CloudEvents": (
        "cloudevents",
        harbor("harbor.artifact.deleted", "v1"),
        [APP],
    ),
    "ACR": (
        "acr",
        {
            "id": "1",
            "action": "push",
            "target": {"mediaType": MANIFEST, "repository": "team/app", "tag": "v1"},
            "request": {"host": "x.azurecr.example"},
        },
        [APP],
    ),
    "ACR, deleted": ("acr", {"action": "delete", "target": {"repository": "team/app"}}, [ALL]),
    "ACR, a ping": ("acr", {"action": "ping"}, [None]),
    "zot, structured": (
        "cloudevents",
        cloud("zotregistry.image.updated", name="team/app", reference="v1", digest=DIGEST),
        [APP],
    ),
    "zot, with a word of its own": (
        "cloudevents",
        cloud("com.example.registry.image.updated", name="team/app", reference="v1"),
        [APP],
    ),
    "zot, a child": (
        "cloudevents",
        cloud("zotregistry.image.updated", name="team/app", reference=DIGEST),
        [None],
    ),
    "zot, deleted": (
        "cloudevents",
        cloud("zotregistry.image.deleted", name="team/app", reference=DIGEST),
        [ALL],
    ),
    "zot, another event": (
        "cloudevents",
        cloud("zotregistry.repository.created", name="team/app"),
        [None],
    ),
    "anybody's CloudEvent": ("cloudevents", cloud("x", repository="team/app", tag="v1"), [APP]),
    "anybody": ("generic", {"repository": "team/app", "tag": "v1"}, [APP]),
    "anybody, a repository": ("generic", {"repository": "team/app"}, [ALL]),
}


@pytest.mark.parametrize("what", SENT)
def test_each_kind_says_in_its_own_words_what_to_look_at(what: str) -> None:
    kind, body, expected = SENT[what]
    assert expected == hints(kind, msgspec.json.encode(body), {})


def test_every_kind_is_tried() -> None:
    assert set(get_args(HookKind)) == {kind for kind, _, _ in SENT.values()}


def test_cloudevents_come_in_headers_and_in_batches_too() -> None:
    data = msgspec.json.encode({"name": "team/app", "reference": "v1"})
    headers = {"ce-type": "zotregistry.image.updated", "content-type": "application/json"}
    assert [APP] == hints("cloudevents", data, headers)
    events = [cloud("x", repository="team/app", tag=tag) for tag in ("v1", "v2")]
    batch = {"content-type": "application/cloudevents-batch+json; charset=UTF-8"}
    both = hints("cloudevents", msgspec.json.encode(events), batch)
    assert [APP, Hint("team/app", "v2")] == both


@pytest.mark.parametrize("kind", get_args(HookKind))
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000,
        b'{"a":' * 50_000, b'{"repository": 7, "events": 7, "type": 7, "action": 7, "package": 7}',
    ],
    ids=lambda body: str(body[:20]),
)  # fmt: skip
def test_what_is_no_event_is_said_to_be_none(kind: HookKind, body: bytes) -> None:
    with pytest.raises(PayloadInvalid, match=f"no event as {kind} sends them"):
        hints(kind, body, {})
