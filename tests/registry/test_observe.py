"""One look at one reference, against a registry in memory that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    DigestMismatch,
    MflLintError,
    NotFound,
    NotObserved,
    RateLimited,
    Unreachable,
)
from mfl_lint.core.manifest import MAX_ENTRIES, OCI_INDEX, Document
from mfl_lint.core.observation import VERIFIED, Kind, Look, LookState, Node, Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.reference import Reference
from mfl_lint.registry.observe import NOTHING_KNOWN, Unchanged, observe
from mfl_lint.registry.source import Head, Known, Listing, StoredContent
from mfl_lint.registry.streaming import Take
from tests.builders import (
    LOOKED_AT,
    Built,
    attestation,
    describe,
    document,
    encode,
    image,
    index,
    node,
)

LATEST = Reference("test", "team/app", "latest")
AMD64, ARM64 = image(), image(arch="arm64")
MULTI = index(AMD64, ARM64, attestation(AMD64))
MOVED = index(ARM64, attestation(ARM64))
Before = Callable[[str, str], None]


class Shelf:
    """A registry of one repository. `before` is called ahead of every answer and may change it."""

    def __init__(self, tagged: Built, *others: Built, announce: bool = True) -> None:
        self.tag: Digest | None = tagged.digest
        self.documents: dict[Digest, Built] = {}
        self.blobs: dict[Digest, bytes] = {}
        self.failures: dict[str, MflLintError] = {}
        self.before: Before = lambda _method, _target: None
        self.announced: Callable[[Digest], Digest | None] = lambda x: x if announce else None
        self.asked: list[tuple[str, str]] = []
        for built in (tagged, *others):
            self.put(built)

    def put(self, built: Built) -> None:
        if built.digest in self.documents:
            return
        self.documents[built.digest] = built
        self.blobs.update({digest_of(blob): blob for blob in built.blobs})
        for child in built.children:
            self.put(child)

    def _find(self, method: str, target: str) -> Built:
        self.asked.append((method, target))
        self.before(method, target)
        if target in self.failures:
            raise self.failures[target]
        digest = self.tag if target == "latest" else Digest(target)
        if digest is None or digest not in self.documents:
            raise NotFound("manifest unknown")
        return self.documents[digest]

    async def head(self, repository: str, target: str) -> Head:
        found = self._find("head", target)
        return Head(self.announced(found.digest), found.media_type, len(found.raw))

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        found = self._find("get", target)
        digest = found.digest if target == "latest" else Digest(target)
        return parse_document(found.raw, found.media_type, digest)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        self.asked.append(("blob", digest))
        if digest in self.failures:
            raise self.failures[digest]
        if digest not in self.blobs:
            raise NotFound("blob unknown")
        return self.blobs[digest]

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        raise AssertionError(f"nobody reads layers here: {digest}")

    async def check_blob(self, repository: str, digest: Digest) -> None:
        raise AssertionError(f"nobody looks for layers here: {digest}")

    async def tags(self, repository: str) -> Listing:
        return Listing(("latest",))

    async def repositories(self) -> Listing:
        return Listing(("team/app",))

    async def close(self) -> None:
        return None

    def count(self, method: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == method)


class Memory:
    """Content that was seen before; it counts how often it is asked."""

    def __init__(self, *kept: Built, present: Sequence[Digest] = ()) -> None:
        self.kept: dict[Digest, StoredContent] = {}
        self.vouched = frozenset(present)
        self.questions = 0
        for built in kept:
            self.keep(built)

    def keep(self, built: Built) -> None:
        self.kept[built.digest] = StoredContent(built.digest, built.raw, built.media_type)
        for blob in built.blobs:
            self.kept[digest_of(blob)] = StoredContent(digest_of(blob), blob, "")
        for child in built.children:
            self.keep(child)

    async def contents(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredContent]:
        self.questions += 1
        return {digest: self.kept[digest] for digest in digests if digest in self.kept}

    async def present(self, repository: str, digests: Sequence[Digest]) -> frozenset[Digest]:
        self.questions += 1
        return self.vouched & frozenset(digests)


async def look(shelf: Shelf, reference: Reference = LATEST, **kwargs: Any) -> Observation:
    seen = await observe(shelf, "test", reference, now=lambda: LOOKED_AT, **kwargs)
    assert isinstance(seen, Observation)
    return seen


async def look_again(
    shelf: Shelf, previous: Digest, known: Known = NOTHING_KNOWN
) -> Observation | Unchanged:
    return await observe(
        shelf, "test", LATEST, now=lambda: LOOKED_AT, known=known, previous=previous
    )


def root_of(seen: Observation) -> Node:
    assert seen.root is not None
    return seen.root


def bounded(detail: str) -> Look:
    return Look(LookState.INVALID, detail, bounded=True)


def states(seen: Observation) -> list[LookState | None]:
    return [child.look.state if child.look else None for child in root_of(seen).children]


async def test_index_children_and_configs_of_images_are_seen_in_the_order_of_the_entries() -> None:
    shelf = Shelf(MULTI)
    seen = await look(shelf)
    assert Observation("test", LATEST, LOOKED_AT, VERIFIED, node(MULTI)) == seen
    assert [Kind.IMAGE, Kind.IMAGE, Kind.ATTESTATION] == [x.kind for x in root_of(seen).children]
    assert seen.complete


async def test_a_look_makes_one_head_and_fetches_each_document_and_config_of_an_image_once() -> (
    None
):
    shelf = Shelf(MULTI)
    await look(shelf)
    assert ("head", "latest") == shelf.asked[0]
    assert {"head": 1, "get": 4, "blob": 2} == {m: shelf.count(m) for m in ("head", "get", "blob")}


async def test_a_lone_manifest_is_the_root_and_its_config_is_read() -> None:
    seen = await look(Shelf(ARM64))
    assert node(ARM64) == seen.root
    root = root_of(seen)
    assert (None, Kind.IMAGE) == (root.position, root.kind)
    assert root.config is not None
    assert "arm64" == root.config.platform.architecture


async def test_without_a_digest_header_the_bytes_are_fetched_and_hashed() -> None:
    seen = await look(Shelf(MULTI, announce=False))
    assert MULTI.digest == seen.digest


async def test_an_untagged_reference_means_latest() -> None:
    seen = await look(Shelf(AMD64), Reference("test", "team/app"))
    assert AMD64.digest == seen.digest


async def test_a_digest_is_asked_for_and_needs_no_digest_header() -> None:
    reference = Reference("test", "team/app", "latest", ARM64.digest)
    shelf = Shelf(MULTI, announce=False)
    seen = await look(shelf, reference, known=Memory(ARM64))
    assert ARM64.digest == seen.digest
    assert [("head", ARM64.digest)] == shelf.asked


async def test_the_previous_digest_is_unchanged_after_one_head() -> None:
    shelf = Shelf(MULTI)
    assert Unchanged("test", LATEST, LOOKED_AT, MULTI.digest) == await look_again(
        shelf, MULTI.digest
    )
    assert [("head", "latest")] == shelf.asked


async def test_without_a_digest_header_unchanged_is_told_by_the_bytes() -> None:
    shelf = Shelf(MULTI, announce=False)
    assert isinstance(await look_again(shelf, MULTI.digest), Unchanged)
    assert [("head", "latest"), ("get", "latest")] == shelf.asked


async def test_a_digest_of_another_algorithm_is_compared_by_hashing() -> None:
    shelf = Shelf(MULTI)
    shelf.announced = lambda digest: digest_of(shelf.documents[digest].raw, "sha512")
    assert isinstance(await look_again(shelf, MULTI.digest), Unchanged)


async def test_another_digest_than_the_previous_one_is_observed() -> None:
    seen = await look_again(Shelf(MOVED), MULTI.digest)
    assert isinstance(seen, Observation)
    assert MOVED.digest == seen.digest


async def test_known_bytes_are_not_fetched_and_children_nobody_vouches_for_get_a_head() -> None:
    shelf = Shelf(MULTI)
    seen = await look(shelf, known=Memory(MULTI, present=[AMD64.digest]))
    assert node(MULTI) == seen.root
    attached = MULTI.children[2].digest
    assert [("head", "latest"), ("head", ARM64.digest), ("head", attached)] == shelf.asked


async def test_a_known_child_that_is_gone_is_absent_whatever_is_known_of_it() -> None:
    shelf = Shelf(MULTI)
    del shelf.documents[ARM64.digest]
    seen = await look(shelf, known=Memory(MULTI))
    child = root_of(seen).children[1]
    assert child.look is not None
    assert (LookState.ABSENT, None, None) == (child.look.state, child.document, child.config)


async def test_memory_is_asked_for_all_children_at_once_and_for_all_configs_at_once() -> None:
    memory = Memory(MULTI)
    await look(Shelf(MULTI), known=memory)
    assert 4 == memory.questions  # the root; children; their presence; configs


async def test_a_tag_that_moves_between_head_and_get_is_what_get_gave() -> None:
    shelf = Shelf(MULTI, MOVED)

    def move(method: str, target: str) -> None:
        if method == "get" and target == "latest":
            shelf.tag = MOVED.digest

    shelf.before = move
    assert node(MOVED) == (await look(shelf)).root


async def test_bytes_that_are_not_what_the_header_says_are_a_mismatch() -> None:
    shelf = Shelf(MULTI)
    shelf.announced = lambda _digest: ARM64.digest
    shelf.failures[ARM64.digest] = DigestMismatch("other bytes", MULTI.digest)
    seen = await look(shelf)
    assert (LookState.INVALID, MULTI.digest) == (seen.look.state, seen.look.mismatch)
    assert seen.root is None


async def test_a_header_that_names_nothing_proves_nothing() -> None:
    shelf = Shelf(MULTI)
    shelf.announced = lambda _digest: digest_of(b"nothing")
    assert MULTI.digest == (await look(shelf)).digest


async def test_a_child_that_is_gone_while_the_index_stands_is_absent() -> None:
    shelf = Shelf(MULTI)
    del shelf.documents[ARM64.digest]
    seen = await look(shelf)
    assert [LookState.VERIFIED, LookState.ABSENT, LookState.VERIFIED] == states(seen)
    assert 2 == shelf.asked.count(("head", "latest"))
    assert seen.complete


async def test_without_a_digest_header_the_index_is_confirmed_by_its_bytes() -> None:
    shelf = Shelf(MULTI, announce=False)
    del shelf.documents[ARM64.digest]
    assert LookState.ABSENT in states(await look(shelf))
    assert 2 == shelf.asked.count(("get", "latest"))


async def test_a_config_that_is_gone_is_absent() -> None:
    shelf = Shelf(MULTI)
    del shelf.blobs[digest_of(ARM64.config)]
    child = root_of(await look(shelf)).children[1]
    assert child.config_look is not None
    assert (VERIFIED, LookState.ABSENT) == (child.look, child.config_look.state)


def lose_arm64(shelf: Shelf, then: Callable[[], None]) -> None:
    """Delete the child when it is asked for, and let something happen to the tag."""

    def lose(method: str, target: str) -> None:
        if target == ARM64.digest and method == "get":
            del shelf.documents[ARM64.digest]
            shelf.before = lambda _method, _target: None
            then()

    shelf.before = lose


async def test_a_child_that_is_gone_because_the_tag_moved_restarts_the_walk() -> None:
    shelf = Shelf(MULTI, other := index(AMD64))
    lose_arm64(shelf, lambda: setattr(shelf, "tag", other.digest))
    seen = await look(shelf)
    assert node(other) == seen.root


async def test_a_tag_that_moves_twice_was_not_seen_and_nothing_is_dangling() -> None:
    gone = [index(AMD64, image(arch=arch)) for arch in ("s390x", "ppc64le", "riscv64")]
    shelf = Shelf(gone[0], *gone[1:])
    for built in gone:
        del shelf.documents[built.children[1].digest]

    def move(method: str, target: str) -> None:
        turns = {built.children[1].digest: at for at, built in enumerate(gone)}
        if target in turns:
            shelf.tag = gone[turns[Digest(target)] + 1].digest

    shelf.before = move
    seen = await look(shelf)
    assert (LookState.UNREACHABLE, None) == (seen.look.state, seen.root)
    assert "moved" in seen.look.detail


async def test_a_tag_that_vanishes_during_the_walk_is_absent() -> None:
    shelf = Shelf(MULTI)
    lose_arm64(shelf, lambda: setattr(shelf, "tag", None))
    seen = await look(shelf)
    assert (LookState.ABSENT, None) == (seen.look.state, seen.root)


async def test_a_child_whose_loss_could_not_be_confirmed_is_not_absent() -> None:
    shelf = Shelf(MULTI)
    lose_arm64(shelf, lambda: shelf.failures.update(latest=Denied("no")))
    seen = await look(shelf)
    assert [LookState.VERIFIED, LookState.DENIED, LookState.VERIFIED] == states(seen)
    assert not seen.complete


FAILURES = [
    (Denied("no"), LookState.DENIED),
    (RateLimited("slowly", 9), LookState.THROTTLED),
    (Unreachable("nobody there"), LookState.UNREACHABLE),
    (BodyInvalid("cut"), LookState.INVALID),
    (DigestMismatch("other bytes", digest_of(b"other")), LookState.INVALID),
    (NotFound("unknown"), LookState.ABSENT),
]


@pytest.mark.parametrize(("error", "state"), FAILURES)
async def test_a_failure_at_the_tag_is_the_state_of_the_look(
    error: MflLintError, state: LookState
) -> None:
    shelf = Shelf(MULTI)
    shelf.failures["latest"] = error
    seen = await look(shelf)
    mismatch = digest_of(b"other") if isinstance(error, DigestMismatch) else None
    assert (Look(state, str(error), mismatch), None) == (seen.look, seen.root)


@pytest.mark.parametrize(("error", "state"), FAILURES)
async def test_a_failure_at_a_child_is_that_childs_state_alone(
    error: MflLintError, state: LookState
) -> None:
    shelf = Shelf(MULTI)
    shelf.failures[ARM64.digest] = error
    seen = await look(shelf)
    assert [LookState.VERIFIED, state, LookState.VERIFIED] == states(seen)
    assert seen.complete is (type(error) in (NotFound, DigestMismatch))


@pytest.mark.parametrize(("error", "state"), FAILURES)
async def test_a_failure_at_a_config_is_that_configs_state_alone(
    error: MflLintError, state: LookState
) -> None:
    shelf = Shelf(MULTI)
    shelf.failures[digest_of(ARM64.config)] = error
    child = root_of(await look(shelf)).children[1]
    assert child.config_look is not None
    assert (VERIFIED, state, None) == (child.look, child.config_look.state, child.config)


async def test_details_are_one_bounded_line() -> None:
    shelf = Shelf(MULTI)
    shelf.failures["latest"] = Unreachable("a\n" * 5000)
    detail = (await look(shelf)).look.detail
    assert (300, False) == (len(detail), "\n" in detail)


async def test_what_the_source_does_not_hold_is_not_looked_at() -> None:
    shelf = Shelf(MULTI)
    shelf.failures = {x.digest: NotObserved("not here") for x in MULTI.children}
    assert [None, None, None] == states(await look(shelf))


async def test_a_blob_entry_is_never_asked_for() -> None:
    layer = describe("application/vnd.oci.image.layer.v1.tar+gzip", b"layer")
    shelf = Shelf(index(AMD64, layer))
    child = root_of(await look(shelf)).children[1]
    assert (Kind.BLOB, None) == (child.kind, child.look)
    assert layer["digest"] not in {target for _, target in shelf.asked}


@pytest.mark.parametrize("digest", ["../../etc/passwd", "md5:" + "0" * 32, 7])
async def test_an_entry_without_a_digest_that_can_be_verified_is_not_asked_for(
    digest: object,
) -> None:
    shelf = Shelf(index(AMD64, {**AMD64.descriptor(), "digest": digest}))
    assert [LookState.VERIFIED, None] == states(await look(shelf))
    assert {"latest", AMD64.digest, digest_of(AMD64.config)} == {x for _, x in shelf.asked}


async def test_an_entry_that_is_too_large_for_a_document_is_not_fetched() -> None:
    shelf = Shelf(index({**ARM64.descriptor(), "size": 9 * 1024 * 1024}))
    assert [LookState.INVALID] == states(await look(shelf))
    assert ("get", ARM64.digest) not in shelf.asked


async def test_a_config_that_is_too_large_is_not_fetched() -> None:
    entry = {**describe("application/vnd.oci.image.config.v1+json", b"{}"), "size": 1 << 40}
    seen = await look(shelf := Shelf(image(manifest={"config": entry})))
    look_at_config = root_of(seen).config_look
    assert look_at_config is not None
    assert (LookState.INVALID, 0) == (look_at_config.state, shelf.count("blob"))


async def test_a_digest_that_occurs_often_is_fetched_once() -> None:
    shelf = Shelf(index(AMD64, AMD64, index(AMD64)))
    seen = await look(shelf)
    assert [VERIFIED] * 3 == [x.look for x in root_of(seen).children]
    assert 1 == shelf.asked.count(("get", AMD64.digest))
    assert [AMD64.digest] * 3 == [x.entry.digest for x in root_of(seen).images()]


async def test_nested_indexes_are_walked_four_deep_and_no_deeper() -> None:
    built: Built = AMD64
    for _ in range(50):
        built = index(built)
    shelf = Shelf(built)
    seen = await look(shelf)
    *above, last = root_of(seen).walk()
    assert [VERIFIED] * 5 == [x.look for x in above]
    assert bounded("not looked at: nested deeper than 4") == last.look
    assert 5 == shelf.count("get")


async def test_an_index_that_contains_itself_is_bounded() -> None:
    claimed = digest_of(b"a hash that no honest index could hold")
    circle = document(
        encode(
            {"schemaVersion": 2, "manifests": [{**describe(OCI_INDEX, b""), "digest": claimed}]}
        ),
        OCI_INDEX,
    )
    shelf = Shelf(circle)
    shelf.documents[claimed] = circle
    *_, last = root_of(await look(shelf)).walk()
    assert bounded("not looked at: an index that contains itself") == last.look
    assert 2 == shelf.count("get")


async def test_ten_thousand_entries_are_bounded_and_the_document_says_so() -> None:
    entries = [describe(AMD64.media_type, str(at).encode()) for at in range(10_000)]
    seen = await look(shelf := Shelf(index(*entries)))
    assert MAX_ENTRIES == len(root_of(seen).children) == shelf.count("get") - 1
    document = root_of(seen).document
    assert document is not None
    assert ["manifests"] == [problem.where for problem in document.problems]


async def test_indexes_that_multiply_are_bounded_and_what_was_left_out_is_a_look() -> None:
    built: Built = AMD64
    for _ in range(3):
        built = index(*[built] * 100)
    shelf = Shelf(built)
    seen = await look(shelf)
    nodes = list(root_of(seen).walk())
    assert 1 + MAX_ENTRIES + 1 == len(nodes)
    assert 3 == shelf.count("get")  # the deepest child has no room left
    left_out = [x.look for x in nodes if x.look != VERIFIED]
    assert [bounded("not looked at, like all after it: more than 1000 entries")] == left_out


async def test_five_hundred_children_take_far_less_than_a_second() -> None:
    images = [image(name=str(at)) for at in range(500)]
    shelf = Shelf(index(*images))
    began = perf_counter()
    seen = await look(shelf)
    assert 500 * 10 * 300e-6 > perf_counter() - began
    assert seen.complete
