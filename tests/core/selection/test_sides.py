from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import ENGINES, Engine, Listing, sides
from tests.builders import Built, artifact, image, index, node

AMD64, V3 = image("linux", "amd64"), image("linux", "amd64", "v3")
ZSTD = {"annotations": {"io.github.containers.compression.zstd": "true"}}
HOST = Platform("linux", "amd64", "v3")


def parted(built: Built, machine: Platform = HOST) -> list[tuple[int | None, list[str]]]:
    """Return the positions that are taken, each with who takes it."""
    found = sides(Listing.of(node(built)), machine, ENGINES)
    places = [side.taken.position if side.taken is not None else None for side in found]
    return [
        (place, list(map(str, side.engines))) for place, side in zip(places, found, strict=True)
    ]


def test_engines_that_take_the_same_stand_on_one_side() -> None:
    docker, others = ["docker", "docker-classic"], ["containerd", "podman", "first-match"]
    assert [(1, docker), (0, others)] == parted(index(AMD64, V3))


def test_the_same_digest_and_the_same_image_in_another_packing_are_one_side() -> None:
    assert 1 == len(parted(index(AMD64, AMD64)))
    packed = image("linux", "amd64", name="packed")
    assert 1 == len(parted(index(AMD64, packed, annotate={1: ZSTD})))


def test_an_artifact_counts_as_nothing() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert [(None, list(map(str, ENGINES)))] == parted(index(chart), Platform("linux", "s390x"))


def test_a_side_knows_that_it_is_the_32_bit_sister() -> None:
    listing = Listing.of(node(index(image("linux", "386"))))
    docker, podman = sides(listing, HOST, (Engine.DOCKER, Engine.PODMAN))
    assert docker.is_32_bit_fallback(HOST)
    assert not podman.is_32_bit_fallback(HOST)
