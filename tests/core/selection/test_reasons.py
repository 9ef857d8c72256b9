import pytest

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import ENGINES, Engine, Selection, select
from mfl_lint.core.selection.reasons import nearest
from tests.builders import Built, attestation, document, image, index, node

AMD64, V2, I386 = image("linux", "amd64"), image("linux", "amd64", "v2"), image("linux", "386")
ARM64, V6, V7 = image("linux", "arm64"), image("linux", "arm", "v6"), image("linux", "arm", "v7")
ABSENT = Look(LookState.ABSENT, "manifest unknown")
BARE = {"platform": None}


def asked(built: Built, platform: str, engine: str = "docker") -> Selection:
    return select(node(built), Engine(engine), Platform.parse(platform))


def reasons(built: Built, platform: str, engine: str = "docker") -> list[str]:
    return [entry.reason for entry in asked(built, platform, engine).entries]


def test_what_is_taken_says_among_how_many_and_the_others_why_they_fell_out() -> None:
    built = index(V6, V7, ARM64, attestation(V7))
    assert [
        "it matches too, but entry 1 is preferred: linux/arm/v7",
        "the best of 2 that match",
        "it is not for linux/arm/v7",
        "an attestation, never a candidate",
    ] == reasons(built, "linux/arm/v7")


def test_podman_and_first_match_say_that_they_compare_letters() -> None:
    built = index(AMD64, annotate={0: {"platform": "linux/x86_64"}})
    said = "it is not, letter by letter, one of linux/amd64"
    assert [said] == reasons(built, "linux/amd64", "podman")
    said = "it is not, letter by letter, linux/amd64"
    assert [said] == reasons(built, "linux/amd64", "first-match")


def test_a_32_bit_fallback_says_so() -> None:
    said = "the only one that matches: the 32-bit sister of linux/amd64"
    assert said == asked(index(V2, I386), "linux/amd64").reason


def test_equals_are_told_apart_by_their_place() -> None:
    built = index(AMD64, image("linux", "amd64", name="again"))
    assert "it matches too, but entry 0 comes first" == reasons(built, "linux/amd64")[1]


def test_no_match_says_what_is_there_and_what_is_nearest() -> None:
    seen = asked(index(AMD64, V6, attestation(AMD64)), "linux/arm/v5")
    assert seen.selected is None
    assert (
        "no matching manifest for linux/arm/v5 in the manifest list entries; there is linux/amd64,"
        " linux/arm/v6; nearest is linux/arm/v6 (another variant)"
    ) == seen.reason
    nothing = asked(index(attestation(AMD64)), "linux/amd64").reason
    assert nothing.endswith("; there is no image with a platform")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("linux/arm64", "linux/arm/v7"),
        ("linux/386", "linux/amd64"),
        ("linux/amd64/v4", "linux/amd64/v3"),
        ("windows(10.0.20348)/amd64", "windows(10.0.17763.1)/amd64"),
        ("freebsd/amd64", None),
    ],
)
def test_the_nearest_is_of_the_same_os_and_as_like_as_can_be(
    wish: str, expected: str | None
) -> None:
    texts = ["linux/s390x", "linux/amd64", "linux/amd64/v3", "linux/arm/v7"]
    texts += ["windows(10.0.14393.1)/amd64", "windows(10.0.17763.1)/amd64"]
    near = nearest(Platform.parse(wish), map(Platform.parse, texts))
    assert expected == (near.full if near else None)


def test_windows_says_which_version_or_feature_is_in_the_way() -> None:
    built = index(
        image("windows", "amd64", os_version="10.0.26100.1"),
        image("windows", "amd64", os_version="10.0.20348.1"),
        annotate={
            1: {
                "platform": {
                    "os": "windows",
                    "architecture": "amd64",
                    "os.version": "10.0.20348.1",
                    "os.features": ["win32k"],
                }
            }
        },
    )
    assert [
        "it does not run on windows(10.0.20348)/amd64",
        "it needs os.features win32k",
    ] == reasons(built, "windows(10.0.20348)/amd64")


def test_an_entry_without_platform_says_how_each_engine_came_to_it() -> None:
    built = index(ARM64, annotate={0: BARE})
    says = {engine: asked(built, "linux/arm64", engine).reason for engine in ENGINES[:4]}
    unread = "it has no platform and is taken unread, because nothing else matches"
    read = "it has no platform; its config says linux/arm64"
    assert {"docker": read, "docker-classic": unread, "containerd": read, "podman": unread} == says
    assert (
        "it has no platform, which counts as linux/amd64"
        in asked(built, "linux/amd64", "first-match").reason
    )


def test_a_child_that_is_gone_is_taken_and_said_to_be_gone() -> None:
    seen = select(
        node(index(AMD64), looks={AMD64.digest: ABSENT}), Engine.DOCKER, Platform("linux", "amd64")
    )
    assert seen.reason.endswith("; but the registry does not have it")


def test_where_there_is_no_list_the_image_is_taken_as_it_is() -> None:
    assert asked(AMD64, "linux/amd64").reason.endswith("as it is; its config says linux/amd64")
    wrong = asked(AMD64, "linux/arm64")
    assert wrong.selected is not None
    assert "but its config says linux/amd64, which is not for linux/arm64" in wrong.reason


def test_what_decides_and_was_not_seen_is_not_observed() -> None:
    built = index(ARM64, annotate={0: BARE})
    seen = node(built, looks={ARM64.digest: Look(LookState.DENIED)})
    with pytest.raises(NotObserved):
        select(seen, Engine.CONTAINERD, Platform("linux", "arm64"))


def test_of_an_unreadable_document_nothing_is_taken() -> None:
    seen = asked(document("{}", ""), "linux/amd64")
    assert (None, "the document is no list and no image") == (seen.selected, seen.reason)
