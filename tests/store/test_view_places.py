"""Lists over many repositories and the search, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mfl_lint.core.manifest import MAX_ENTRIES, OCI_INDEX, OCI_MANIFEST, Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.records import Content, Entry
from mfl_lint.core.views import Page
from mfl_lint.store import looks, observations, registries, view_places, view_search
from mfl_lint.store.engine import Store
from mfl_lint.store.view_figures import figures
from tests.builders import image, index
from tests.store.batches import NOW, batch, content, digest, entry, finding, lease, write
from tests.store.paging import all_of


async def filled(store: Store) -> None:
    """Fill two registries: repositories with and without tags, watched and not."""
    for registry, repository, names in (
        ("one", "team/app", ("v1", "v2", "latest")),
        ("one", "team/zoo", ("v1",)),
        ("two", "other", ("v1", "v3")),
        ("two", "left", ("v1",)),
    ):
        held = await lease(store, repository, registry=registry, holder=repository)
        tags = [write(name, content=f"{repository} {name}") for name in names]
        gone = write("gone", gone_at=NOW, missing_since=NOW, look=LookState.ABSENT)
        await observations.record(store, held, batch(*tags, gone, write("old", watched=False)))
    await lease(store, "team/empty")
    await registries.sync_repositories(store, "two", [], unwatch=["left"], now=NOW)


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_what_must_not_be_deleted_is_paged_by_place(store: Store, limit: int) -> None:
    await filled(store)

    async def read(cursor: str | None) -> Page[Any]:
        return await view_places.referenced(store, cursor=cursor, limit=limit)

    found = await all_of(read)
    assert [
        ("one", "team/app", "latest", True),
        ("one", "team/app", "old", False),
        ("one", "team/app", "v1", True),
        ("one", "team/app", "v2", True),
        ("one", "team/zoo", "old", False),
        ("one", "team/zoo", "v1", True),
        ("two", "left", "old", False),
        ("two", "left", "v1", False),
        ("two", "other", "old", False),
        ("two", "other", "v1", True),
        ("two", "other", "v3", True),
    ] == [(one.registry, one.repository, one.tag, one.complete) for one in found]
    own = digest("team/app latest")
    assert (own, digest("child 0"), digest("child 1")) == found[0].digests
    assert {NOW} == {one.verified_at for one in found}


async def test_lists_within_lists_are_followed_through_their_documents(store: Store) -> None:
    inner = index(image(), image("linux", "arm64"))
    outer = index(inner, image("linux", "s390x"))
    held = await lease(store)
    nested = Entry(0, entry(0, digest=inner.digest).descriptor, Kind.INDEX)
    seen = write("v1", entries=0, digest=outer.digest, complete=False)
    seen = msgspec.structs.replace(seen, entries=(nested,))
    kept = (Content(inner.digest, inner.raw, OCI_INDEX), content("other"))
    await observations.record(store, held, batch(seen, contents=kept))

    (found,) = (await view_places.referenced(store)).items
    below = [child.digest for child in inner.children]
    assert {outer.digest, inner.digest, *below} == set(found.digests)
    assert False is found.complete


INNER = index(image(), image("linux", "arm64"))


@pytest.mark.parametrize(
    ("kind", "media_type", "kept", "whole"),
    [
        (Kind.INDEX, OCI_INDEX, True, True),
        (Kind.ATTESTATION, OCI_MANIFEST, True, True),
        (Kind.INDEX, OCI_INDEX, False, False),
        (Kind.UNDECIDED, "", False, False),
        (Kind.UNDECIDED, OCI_MANIFEST, False, True),
    ],
)
async def test_a_tag_is_whole_only_where_every_list_below_it_was_read(
    store: Store, kind: Kind, media_type: str, kept: bool, whole: bool
) -> None:
    held = await lease(store)
    nested = Entry(0, Descriptor(media_type, INNER.digest), kind)
    seen = msgspec.structs.replace(write("v1"), entries=(nested,))
    documents = (Content(INNER.digest, INNER.raw, OCI_INDEX),) if kept else ()
    await observations.record(store, held, batch(seen, contents=documents))

    (found,) = (await view_places.referenced(store)).items
    below = {child.digest for child in INNER.children} if kept else set()
    assert {digest("v1"), INNER.digest, *below} == set(found.digests)
    assert whole is found.complete


async def test_a_list_of_more_entries_than_are_read_is_not_whole(store: Store) -> None:
    await observations.record(store, await lease(store), batch(write("v1", entries=MAX_ENTRIES)))

    (found,) = (await view_places.referenced(store)).items
    assert False is found.complete


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_a_tag_is_shown_across_repositories_and_where_it_is_missing(
    store: Store, limit: int
) -> None:
    await filled(store)

    async def read(cursor: str | None) -> Page[Any]:
        return await view_places.tag_across(store, "v3", cursor=cursor, limit=limit)

    found = [(one.registry, one.repository, one.row is not None) for one in await all_of(read)]
    assert [
        ("one", "team/app", False),
        ("one", "team/empty", False),
        ("one", "team/zoo", False),
        ("two", "other", True),
    ] == found
    narrowed = await view_places.tag_across(store, "v1", registry="o*", repository="*/z*")
    assert ["team/zoo"] == [one.repository for one in narrowed.items]
    row = narrowed.items[0].row
    assert row is not None
    assert 2 == len(row.entries)


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("team", [("repository", "team/app", ""), ("repository", "team/empty", ""),
                  ("repository", "team/zoo", "")]),
        ("v", [("tag", "team/app", "v1"), ("tag", "team/app", "v2"), ("tag", "team/zoo", "v1"),
               ("tag", "other", "v1"), ("tag", "other", "v3")]),
        ("o:v", [("tag", "team/zoo", "v1"), ("tag", "other", "v1"), ("tag", "other", "v3")]),
        ("two.test/other:v3", [("tag", "other", "v3")]),
        ("gone", []),
        ("old", []),
        ("%", []),
        ("\ud800\x00", []),
    ],
)  # fmt: skip
async def test_names_are_found_in_order(
    store: Store, text: str, expected: list[tuple[str, str, str]], limit: int
) -> None:
    await filled(store)

    async def read(cursor: str | None) -> Page[Any]:
        return await view_search.search(store, text, cursor=cursor, limit=limit)

    assert expected == [(hit.kind, hit.repository, hit.tag) for hit in await all_of(read)]


async def test_a_digest_is_found_in_every_repository_that_holds_it(store: Store) -> None:
    await filled(store)
    wanted = digest("child 0")
    found = (await view_search.search(store, wanted[:20])).items

    assert [("digest", name, wanted) for name in ("team/app", "team/zoo", "other")] == [
        (hit.kind, hit.repository, hit.digest) for hit in found
    ]
    assert found == (await view_search.search(store, wanted.removeprefix("sha256:"))).items


async def test_figures_are_those_of_queues_and_counters(store: Store) -> None:

    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding())))
    await looks.request_look(store, "one", "team/app", "v1", NOW, "asked")

    told = await figures(store)
    queue = {"pending": 0, "sent": 0, "dead": 0, "unrouted": 1}
    assert ({"pending": 1}, queue) == (told.looks, told.messages)
    assert 1 == told.findings["one", "MFL101", "error"]
    assert 0 == told.findings["one", "MFL101", "unknown"]
