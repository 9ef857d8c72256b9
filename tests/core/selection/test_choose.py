import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.digest import digest_of
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import ENGINES, Engine, Listing
from tests.builders import DOCKER, Built, artifact, attestation, image, index, node
from tests.core.selection.listings import chosen, listing

AMD64, ARM64, ARM = (image("linux", name) for name in ("amd64", "arm64", "arm"))
WIN17, WIN20, WIN26 = (
    Platform("windows", "amd64", "", f"10.0.{build}.100") for build in (17763, 20348, 26100)
)
DENIED, ABSENT = Look(LookState.DENIED, "401"), Look(LookState.ABSENT, "manifest unknown")
BARE = {"platform": None}


def taken(built: Built, asked: str, **looks: Look) -> dict[str, int | None]:
    """Return what each engine takes, by its name; `looks` are by the child's name."""
    digests = {"arm64": ARM64.digest, "config": digest_of(ARM64.config)}
    seen = node(built, looks={digests[name]: look for name, look in looks.items()})
    entries, wish = Listing.of(seen), Platform.parse(asked)
    found = {engine: entries.choose(engine, wish) for engine in ENGINES}
    return {str(engine): one.position if one else None for engine, one in found.items()}


def test_an_entry_without_platform_comes_last_and_each_engine_has_its_own_idea_of_it() -> None:
    built = index(ARM64, AMD64, annotate={0: BARE})
    expected = {
        "docker": 0,
        "docker-classic": 0,
        "containerd": 0,
        "podman": 0,
        "first-match": None,
    }
    assert expected == taken(built, "linux/arm64")
    others = dict.fromkeys(["docker", "docker-classic", "containerd", "podman"], 1)
    assert {**others, "first-match": 0} == taken(built, "linux/amd64")
    unfit = {"docker": None, "docker-classic": 0, "containerd": None, "podman": 0}
    assert {**unfit, "first-match": None} == taken(built, "linux/s390x")


def test_podman_never_takes_an_entry_without_platform_of_a_docker_list() -> None:
    arm64 = image("linux", "arm64", flavour=DOCKER)
    built = index(arm64, flavour=DOCKER, annotate={0: BARE})
    seen = taken(built, "linux/arm64")
    assert (0, 0, None) == (seen["docker"], seen["docker-classic"], seen["podman"])


def test_containerd_reads_only_the_first_entry_without_platform() -> None:
    built = index(ARM64, AMD64, annotate={0: BARE, 1: BARE})
    seen = taken(built, "linux/amd64")
    assert (None, None, 0) == (seen["docker"], seen["containerd"], seen["docker-classic"])
    assert 0 == taken(built, "linux/arm64")["containerd"]


def test_an_empty_platform_is_no_platform_for_the_classic_store_only() -> None:
    seen = taken(index(ARM64, annotate={0: {"platform": {}}}), "linux/arm64")
    assert 0 == seen.pop("docker-classic")
    assert {None} == set(seen.values())


@pytest.mark.parametrize("unseen", ["arm64", "config"])
def test_a_config_that_would_decide_and_was_not_seen_is_not_observed(unseen: str) -> None:
    built = index(AMD64, ARM64, annotate={1: BARE})
    with pytest.raises(NotObserved):
        taken(built, "linux/arm64", **{unseen: DENIED})
    seen = node(built, looks={ARM64.digest: DENIED})
    assert Listing.of(seen).choose(Engine.DOCKER_CLASSIC, Platform("linux", "arm64"))
    assert {0} == set(taken(built, "linux/amd64", **{unseen: DENIED}).values())


@pytest.mark.parametrize("gone", ["arm64", "config"])
def test_what_is_gone_matches_nothing_where_it_has_to_be_read(gone: str) -> None:
    seen = taken(index(ARM64, annotate={0: BARE}), "linux/arm64", **{gone: ABSENT})
    assert (None, 0) == (seen["containerd"], seen["docker-classic"])


def test_an_entry_that_names_its_platform_is_taken_even_if_it_is_gone() -> None:
    assert 0 == taken(index(ARM64), "linux/arm64", arm64=ABSENT)["docker"]


def test_an_index_that_was_not_seen_is_not_observed() -> None:
    unseen = node(index(AMD64), looks={index(AMD64).digest: DENIED})
    with pytest.raises(NotObserved, match="the list sha256:"):
        Listing.of(unseen)


def test_attestations_are_never_taken_wherever_they_stand() -> None:
    built = index(attestation(AMD64), AMD64, annotate={0: {"platform": "linux/amd64"}})
    assert {1} == set(taken(built, "linux/amd64").values())


def test_an_inner_list_is_looked_through_where_it_names_no_platform() -> None:
    built = index(AMD64, index(ARM64))
    seen = taken(built, "linux/arm64")
    assert (1, 1, 1) == (seen["docker"], seen["docker-classic"], seen["containerd"])
    assert taken(built, "linux/s390x")["containerd"] is None


def test_an_artifact_without_platform_is_no_image_of_the_host() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    seen = taken(index(AMD64, chart), "linux/arm64")
    assert (None, 1) == (seen["docker"], seen["docker-classic"])


@pytest.mark.parametrize(
    ("host", "docker", "classic", "containerd"),
    [
        ("windows(10.0.17763)/amd64", 0, 0, 0),
        ("windows(10.0.20348)/amd64", 1, 1, 1),
        ("windows(10.0.26100)/amd64", 1, 2, 2),
        ("windows(10.0.25398)/amd64", 1, 0, 1),
        ("windows(10.0.14393)/amd64", None, None, None),
        ("windows/amd64", 0, 0, 2),
    ],
)
def test_each_engine_has_its_own_rules_on_windows(
    host: str, docker: int | None, classic: int | None, containerd: int | None
) -> None:
    entries = [WIN17, WIN20, WIN26]
    assert docker == chosen(Engine.DOCKER, host, entries)
    assert classic == chosen(Engine.DOCKER_CLASSIC, host, entries)
    assert containerd == chosen(Engine.CONTAINERD, host, entries)


def test_containerd_compares_versions_of_windows_as_text() -> None:
    versions = ["10.0.20348.1000", "10.0.20348.999"]
    entries = [Platform("windows", "amd64", "", version) for version in versions]
    assert 1 == chosen(Engine.CONTAINERD, "windows(10.0.20348)/amd64", entries)


def test_the_classic_store_on_windows_skips_an_entry_without_platform() -> None:
    entries = listing([None])
    assert entries.choose(Engine.DOCKER_CLASSIC, WIN20) is None


def test_an_entry_with_features_needs_a_host_that_has_them() -> None:
    needs = Platform("windows", "amd64", "", "10.0.20348.1", ("win32k",))
    assert chosen(Engine.DOCKER, "windows(10.0.20348)/amd64", [needs]) is None
    assert 0 == chosen(Engine.DOCKER, "windows(10.0.20348+win32k)/amd64", [needs])
    assert 0 == chosen(Engine.PODMAN, "windows(10.0.20348)/amd64", [needs])


def test_what_engines_translate_podman_and_first_match_do_not() -> None:
    entries = [Platform("linux", "aarch64")]
    found = [chosen(engine, "linux/arm64", entries) for engine in ENGINES]
    assert [0, 0, 0, None, None] == found


def test_kubernetes_finds_nothing_in_a_list_of_higher_levels() -> None:
    entries = [Platform("linux", "amd64", "v2")]
    assert chosen(Engine.CONTAINERD, "linux/amd64", entries) is None
    assert 0 == chosen(Engine.DOCKER, "linux/amd64/v4", entries)


PART = st.sampled_from(["linux", "windows", "amd64", "arm64", "arm", "386", "v7", "v8", "", "x"])
PLATFORM = st.builds(Platform, PART, PART, PART, st.sampled_from(["", "10.0.20348.1", "9", "x"]))


@given(st.lists(st.one_of(st.none(), PLATFORM), max_size=6), PLATFORM, st.booleans())
def test_whatever_is_listed_an_engine_takes_one_of_it_or_nothing(
    platforms: list[Platform | None], asked: Platform, docker_list: bool
) -> None:
    entries = listing(platforms, docker_list=docker_list)
    for engine in ENGINES:
        try:
            found = entries.choose(engine, asked)
        except NotObserved:
            assert None in platforms
            continue
        assert found is None or found in entries.candidates
        if found is not None:
            assert found is entries.alone(found).choose(engine, asked)
