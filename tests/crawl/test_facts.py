"""What of an observation is remembered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import Kind, Look, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.rule import TagSummary
from mfl_lint.crawl import facts
from mfl_lint.rules import discover
from tests.builders import ABSENT, LOOKED_AT, attestation, image, index, node, observation

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
DENIED = Look(LookState.DENIED, "403")
BOUNDED = Look(LookState.INVALID, "too deep", bounded=True)


def test_a_summary_holds_the_images_platforms_in_normal_form() -> None:
    found = facts.summary("v1", node(index(AMD64, ARM64, attestation(AMD64))))
    platforms = (Platform("linux", "amd64"), Platform("linux", "arm64").normalized())
    assert ("v1", True, platforms, 3) == (
        found.tag,
        found.is_index,
        found.platforms,
        len(found.children),
    )


def test_a_lone_image_offers_its_configs_platform() -> None:
    assert (Platform("linux", "amd64"),) == facts.summary("v1", node(AMD64)).platforms


def test_platforms_are_unknown_where_one_image_was_not_seen_and_says_none() -> None:
    built = index(AMD64, ARM64, annotate={1: {"platform": None}})
    assert facts.offered(node(built, looks={ARM64.digest: DENIED})) is None


@pytest.mark.parametrize(
    ("annotate", "offered"), [({}, 2), ({1: {"platform": None}}, 1)], ids=["said", "unsaid"]
)
def test_an_image_that_is_absent_offers_what_its_entry_says_and_hides_no_other(
    annotate: dict[int, dict[str, object]], offered: int
) -> None:
    built = index(AMD64, ARM64, annotate=annotate)
    found = facts.offered(node(built, looks={ARM64.digest: ABSENT}))
    assert found is not None
    assert (Platform("linux", "amd64"), offered) == (found[0], len(found))


def test_a_nested_list_that_was_not_seen_makes_all_unknown_an_absent_one_does_not() -> None:
    built = index(index(ARM64), AMD64)
    inner = built.children[0].digest
    assert facts.offered(node(built, looks={inner: DENIED})) is None
    assert (Platform("linux", "amd64"),) == facts.offered(node(built, looks={inner: ABSENT}))


def test_the_siblings_hash_does_not_depend_on_their_order() -> None:
    tags = [TagSummary(f"v{n}", None, n % 2 == 0, (Platform("linux", "amd64"),)) for n in range(5)]
    assert facts.siblings_hash(tags) == facts.siblings_hash(reversed(tags))
    assert facts.siblings_hash(tags, ["a", "b"]) == facts.siblings_hash(tags, ["b", "a"])


def test_the_siblings_hash_changes_with_what_rules_read_of_them() -> None:
    one, arm = TagSummary("v1"), (Platform("linux", "arm64"),)
    digest = AMD64.digest
    different = [
        [one],
        [TagSummary("v2")],
        [TagSummary("v1", is_index=True)],
        [TagSummary("v1", platforms=arm)],
        [one, TagSummary("v1-arm64")],
        [TagSummary("v1", children=(digest,)), TagSummary("v1-arm64")],
    ]
    assert len(different) == len({facts.siblings_hash(tags) for tags in different})


def test_a_push_of_the_same_platforms_judges_no_sibling_again_where_no_tag_names_one() -> None:
    before = [TagSummary("v1", children=(AMD64.digest,))]
    assert facts.siblings_hash(before) == facts.siblings_hash([TagSummary("v1")])


def test_rules_are_either_alone_or_beside_others() -> None:
    rules = discover()
    alone, beside = facts.alone(rules), facts.beside(rules)
    assert sorted(rule.id for rule in rules) == sorted(rule.id for rule in (*alone, *beside))
    assert {"MFL303", "MFL402"} <= {rule.id for rule in beside}


def test_an_index_has_its_entries_and_a_lone_image_itself() -> None:
    listed = facts.entries(node(index(AMD64, ARM64), looks={ARM64.digest: ABSENT}))
    assert [(0, LookState.VERIFIED), (1, LookState.ABSENT)] == [
        (entry.position, entry.look) for entry in listed
    ]
    (itself,) = facts.entries(node(AMD64))
    assert (Kind.IMAGE, Platform("linux", "amd64")) == (itself.kind, itself.descriptor.platform)


def test_presence_is_noted_of_what_was_looked_at_and_of_nothing_else() -> None:
    root = node(index(AMD64, ARM64), looks={ARM64.digest: ABSENT})
    seen = {one.digest: one.look for one in facts.presences(root, (), LOOKED_AT)}
    assert {AMD64.digest: LookState.VERIFIED, ARM64.digest: LookState.ABSENT} == seen
    again = facts.presences(root, {AMD64.digest}, LOOKED_AT)
    assert [ARM64.digest] == [one.digest for one in again]


def test_a_config_is_noted_only_where_it_could_not_be_read() -> None:
    parsed = node(AMD64).document
    assert parsed is not None
    assert parsed.config is not None
    assert parsed.config.digest is not None
    root = node(index(AMD64), looks={parsed.config.digest: ABSENT})
    seen = {one.digest for one in facts.presences(root, (), LOOKED_AT)}
    assert {AMD64.digest, parsed.config.digest} == seen


def test_the_configs_of_images_that_were_read_are_known() -> None:
    configs = {digest_of(built.config) for built in (AMD64, ARM64)}
    assert configs == set(facts.read_configs(node(index(AMD64, ARM64, attestation(AMD64)))))
    root = node(index(AMD64, ARM64), looks={digest_of(AMD64.config): ABSENT})
    assert (digest_of(ARM64.config),) == facts.read_configs(root)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ({}, False),
        ({ARM64.digest: BOUNDED}, True),
        ({ARM64.digest: BOUNDED, AMD64.digest: DENIED}, False),
        ({ARM64.digest: BOUNDED, AMD64.digest: ABSENT}, False),
        ({ARM64.digest: BOUNDED, digest_of(AMD64.config): ABSENT}, False),
        ({digest_of(AMD64.config): BOUNDED}, True),
    ],
)
def test_a_tree_is_bounded_where_our_limits_alone_hide_something(
    looks: dict[Digest, Look], expected: bool
) -> None:
    assert expected == facts.is_bounded(observation(index(AMD64, ARM64), looks=looks))


def test_what_was_not_seen_at_all_is_not_bounded() -> None:
    assert not facts.is_bounded(observation(None, look=DENIED))


def test_what_was_not_looked_at_by_our_own_limits_has_no_presence() -> None:
    root = node(index(AMD64, ARM64), looks={ARM64.digest: BOUNDED})
    assert [AMD64.digest] == [one.digest for one in facts.presences(root, (), LOOKED_AT)]


def test_a_walk_is_as_old_as_the_oldest_look_that_it_trusted() -> None:
    root, old = node(index(AMD64, ARM64)), LOOKED_AT - timedelta(hours=20)
    assert LOOKED_AT == facts.walked_at(root, {}, LOOKED_AT)
    assert old == facts.walked_at(root, {AMD64.digest: old}, LOOKED_AT)
    elsewhere = {image(name="other").digest: old}
    assert LOOKED_AT == facts.walked_at(root, elsewhere, LOOKED_AT)


def test_contents_are_what_was_fetched_with_configs() -> None:
    built = index(AMD64, ARM64)
    kept = list(facts.contents(node(built), ()))
    assert 5 == len(kept)
    assert 4 == len(list(facts.contents(node(built), {AMD64.digest})))
    assert built.raw in {content.raw for content in kept}
