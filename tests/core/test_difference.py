import pytest

from mfl_lint.core.difference import Change, Difference, Status, difference
from mfl_lint.core.observation import Look, LookState
from tests.builders import ABSENT, DOCKER, Built, attestation, image, index, observation

AMD64, ARM64, S390X = image("linux", "amd64"), image("linux", "arm64"), image("linux", "s390x")
DENIED = Look(LookState.DENIED, "401")


def compared(one: Built, other: Built) -> Difference:
    return difference(observation(one), observation(other))


def fields(found: Difference) -> set[str]:
    return {change.field for item in found.platforms for change in item.changes}


def test_a_list_is_the_same_as_itself() -> None:
    found = compared(index(AMD64, ARM64), index(AMD64, ARM64))
    assert (True, True, ()) == (found.same, found.same_platforms, found.unseen)
    assert [Status.SAME, Status.SAME] == [item.status for item in found.platforms]


def test_platforms_are_added_and_removed() -> None:
    found = compared(index(AMD64, ARM64), index(S390X, AMD64))
    assert [
        ("linux/amd64", Status.SAME),
        ("linux/arm64", Status.REMOVED),
        ("linux/s390x", Status.ADDED),
    ] == [(item.platform, item.status) for item in found.platforms]
    assert not found.same_platforms


def test_another_image_is_told_by_what_differs_in_it() -> None:
    other = image(
        "linux",
        "amd64",
        name="other",
        created="2026-04-01T00:00:00Z",
        config={"config": {"Env": ["A=1"], "Labels": {"a": "b"}}},
    )
    found = compared(index(AMD64), index(other))
    (item,) = found.platforms
    assert (Status.CHANGED, True, False) == (item.status, found.same_platforms, found.same)
    changed = {change.field: change for change in item.changes}
    assert {"created", "config.Env", "config.Labels"} <= changed.keys()
    assert "2026-04-01T00:00:00Z" == changed["created"].after
    assert '["A=1"]' == changed["config.Env"].after


def test_layers_are_counted() -> None:
    found = compared(index(image(layers=[])), index(AMD64))
    assert {"layers", "download bytes"} <= fields(found)


def test_spellings_of_one_platform_match_and_are_told() -> None:
    said = {"platform": {"os": "Linux", "architecture": "x86_64"}}
    found = compared(index(AMD64), index(AMD64, annotate={0: said}))
    (item,) = found.platforms
    assert (Change("platform", "linux/amd64", "Linux/x86_64"),) == item.changes


def test_entries_of_one_platform_match_in_their_order() -> None:
    found = compared(index(AMD64, image(name="b")), index(AMD64))
    assert [Status.SAME, Status.REMOVED] == [item.status for item in found.platforms]


def test_annotations_and_attestations_are_compared() -> None:
    one = index(AMD64, annotations={"a": "1"})
    noted = {"annotations": {"x": "y"}}
    other = index(AMD64, attestation(AMD64), annotations={"a": "2"}, annotate={0: noted})
    found = compared(one, other)
    assert Change("annotations.a", "1", "2") in found.changes
    assert {"annotations.x", "attestations"} == fields(found)


def test_the_form_of_the_list_is_compared() -> None:
    found = compared(index(AMD64), index(AMD64, flavour=DOCKER))
    assert {"digest", "media type"} == {change.field for change in found.changes}
    assert found.same_platforms


@pytest.mark.parametrize("said", ["linux/amd64", "linux/arm/v6", "windows/amd64"])
def test_an_image_in_a_list_and_alone_is_the_same_image(said: str) -> None:
    os, architecture, *variant = said.split("/")
    platform = {"os": os, "architecture": architecture, "variant": "".join(variant)}
    listed = index(AMD64, annotate={0: {"platform": platform, "annotations": {"x": "y"}}})
    for one, other in ((listed, AMD64), (AMD64, listed)):
        found = compared(one, other)
        (item,) = found.platforms
        assert (said, Status.SAME, ()) == (item.platform, item.status, item.changes)
        assert found.same_platforms
        assert {"digest", "media type"} == {change.field for change in found.changes}


def test_a_lone_image_offers_less_than_a_list_of_several() -> None:
    found = compared(index(AMD64, ARM64), AMD64)
    assert [("linux/amd64", Status.SAME), ("linux/arm64", Status.REMOVED)] == [
        (item.platform, item.status) for item in found.platforms
    ]


def test_images_without_lists_are_compared() -> None:
    found = compared(AMD64, AMD64)
    assert (True, "linux/amd64") == (found.same, found.platforms[0].platform)
    assert not compared(AMD64, index(AMD64)).same


def test_a_child_that_is_gone_differs_and_one_that_was_not_seen_is_unseen() -> None:
    whole, built = observation(index(AMD64)), index(AMD64)
    gone = difference(whole, observation(built, looks={AMD64.digest: ABSENT}))
    assert (False, ()) == (gone.same, gone.unseen)
    assert (Change("presence", "verified", "absent"),) == gone.platforms[0].changes
    hidden = difference(whole, observation(built, looks={AMD64.digest: DENIED}))
    assert (True, 1) == (hidden.same, len(hidden.unseen))


def test_nothing_is_said_of_what_was_not_seen() -> None:
    found = difference(observation(index(AMD64)), observation(None, look=DENIED))
    assert ((), (), 1) == (found.platforms, found.changes, len(found.unseen))
