"""The demo's images: what people really push, right and wrong, and what must be found there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import DOCKER_MANIFEST, OCI_CONFIG
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.demo.build import DOCKER, Built, artifact, attestation, encode, image, index
from mfl_lint.demo.contents import Contents

HELM_CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART: Final = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"

DEMO_POLICY: Final = Policy(
    requirements=(
        Requirement(
            platforms=(Platform("linux", "amd64"), Platform("linux", "arm64")),
            repositories=("broken/amd64-only",),
        ),
    ),
    settle_s=0.0,
)


class DemoImage(msgspec.Struct, frozen=True):
    """One tag of the demo.

    `expected` are the ids of the rules that must fire on the tag, `expected_names` those on
    the repository's name; nothing else may fire. `story` is one line for people.
    """

    repository: str
    tag: str
    expected: tuple[str, ...]
    story: str
    expected_names: tuple[str, ...] = ()


class Sample(msgspec.Struct, frozen=True):
    """What is pushed to which tags, and what it is about; `gone` are deleted again."""

    repository: str
    tags: tuple[str, ...]
    built: Built
    story: str
    expected: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    gone: tuple[Digest, ...] = ()


def place(contents: Contents, repository: str, built: Built, *tags: str) -> Digest:
    """Put a document with its blobs and children into a repository, then its tags."""
    for data in built.blobs:
        contents.put_blob(repository, data)
    for child in built.children:
        place(contents, repository, child)
    return contents.put_manifest(repository, built.raw, built.media_type, *tags)


def fill(registry: Contents) -> tuple[DemoImage, ...]:
    """Put all images of the demo into a registry; return what must be found in each tag."""
    placed: list[DemoImage] = []
    for sample in samples():
        place(registry, sample.repository, sample.built, *sample.tags)
        for digest in sample.gone:
            registry.delete_manifest(sample.repository, digest)
        placed += [
            DemoImage(sample.repository, tag, sample.expected, sample.story, sample.names)
            for tag in sample.tags
        ]
    return tuple(placed)


def samples() -> Iterator[Sample]:
    """Yield everything that the demo's registry holds."""
    return chain(
        _name_encoded(),
        _good(),
        _wrong_platforms(),
        _ambiguous_platforms(),
        _wrong_descriptors(),
        _wrong_indexes(),
        _windows(),
        _incomplete(),
    )


def _name_encoded() -> Iterator[Sample]:
    """One repository for each platform: the problem that manifest lists cure."""
    platforms = {
        "x86": ("386", ""),
        "s390x": ("s390x", ""),
        "ppc64le": ("ppc64le", ""),
        "armhf": ("arm", "v7"),
    }
    for word, (arch, variant) in platforms.items():
        yield Sample(
            f"awesome_company/mycool-app-{word}",
            ("latest", "v1"),
            image("linux", arch, variant, flavour=DOCKER, name="mycool-app"),
            f"the name says {word}; whoever pulls the wrong one meets exec format error",
            names=("MFL301",),
        )
    yield Sample(
        "ppc64le/my-cool-app",
        ("latest",),
        image("linux", "ppc64le", flavour=DOCKER, name="my-cool-app"),
        "the namespace says ppc64le instead of a list with one name for all",
        names=("MFL302",),
    )


def _good() -> Iterator[Sample]:
    wide = [image("linux", a, name="good") for a in ("amd64", "arm64", "ppc64le", "s390x")]
    wide.insert(2, image("linux", "arm", "v7", name="good"))
    yield Sample("good/app", ("latest", "v1"), index(*wide), "a clean index of five platforms")
    docker = [image("linux", a, flavour=DOCKER, name="list") for a in ("amd64", "arm64")]
    story = "a clean manifest list in Docker's media types"
    yield Sample("good/docker-list", ("latest",), index(*docker, flavour=DOCKER), story)
    two = [image("linux", a, name="attested") for a in ("amd64", "arm64")]
    yield Sample(
        "good/with-attestations",
        ("latest",),
        index(*two, *(attestation(one) for one in two)),
        "what buildx pushes: two platforms, each with its provenance",
    )
    yield from _artifacts()


def _artifacts() -> Iterator[Sample]:
    chart = artifact(
        HELM_CONFIG,
        HELM_CHART,
        b"a chart's archive",
        config=encode({"name": "chart", "version": "1.0.0", "apiVersion": "v2"}),
    )
    yield Sample("good/chart", ("1.0.0",), chart, "a Helm chart: no image, so not judged as one")
    signed = {"critical": {"image": {"docker-manifest-digest": chart.digest}}}
    signature = artifact(
        OCI_CONFIG,
        SIMPLE_SIGNING,
        encode(signed),
        config=encode({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}}),
    )
    yield Sample(
        "good/chart",
        (chart.digest.replace(":", "-") + ".sig",),
        signature,
        "the chart's cosign signature: it dresses as an image and is none",
    )


def _wrong_platforms() -> Iterator[Sample]:
    amd64, arm64 = (image("linux", arch, name="platforms") for arch in ("amd64", "arm64"))
    other = image("linux", "amd64", name="another build")
    yield Sample(
        "broken/wrong-annotation",
        ("latest",),
        index(amd64, other, annotate={1: {"platform": "linux/arm64"}}),
        "the arm64 entry holds an amd64 image: exec format error on every arm64 host",
        ("MFL101",),
    )
    yield Sample(
        "broken/no-platform",
        ("latest",),
        index(amd64, arm64, annotate={1: {"platform": None}}),
        "an entry without a platform: no arm64 host finds it",
        ("MFL102",),
    )
    spelt = {0: {"platform": "linux/x86_64"}, 1: {"platform": "linux/aarch64"}}
    yield Sample(
        "broken/misspelt",
        ("latest",),
        index(amd64, arm64, annotate=spelt),
        "x86_64 and aarch64 are uname's words, not the ones that engines look for",
        ("MFL103", "MFL110"),
    )


def _ambiguous_platforms() -> Iterator[Sample]:
    amd64, arm64 = (image("linux", arch, name="ambiguous") for arch in ("amd64", "arm64"))
    other = image("linux", "amd64", name="another build")
    yield Sample(
        "broken/arm-without-variant",
        ("latest",),
        index(amd64, image("linux", "arm", name="ambiguous")),
        "arm says neither v6 nor v7: a Raspberry Pi Zero may get a program it cannot run",
        ("MFL104", "MFL110"),
    )
    yield Sample(
        "broken/duplicate-platform",
        ("latest",),
        index(amd64, other, arm64),
        "two digests for linux/amd64: which one runs is the engine's choice",
        ("MFL105", "MFL112"),
    )
    yield Sample(
        "broken/orphan-attestation",
        ("latest",),
        index(amd64, arm64, attestation(other)),
        "the provenance is of an image that this index no longer lists",
        ("MFL109",),
    )


def _wrong_descriptors() -> Iterator[Sample]:
    amd64, arm64 = (image("linux", arch, name="descriptors") for arch in ("amd64", "arm64"))
    yield Sample(
        "broken/dangling",
        ("latest",),
        index(amd64, arm64),
        "somebody deleted the arm64 image by digest, the list still names it",
        ("MFL201",),
        gone=(arm64.digest,),
    )
    yield Sample(
        "broken/wrong-size",
        ("latest",),
        index(amd64, arm64, annotate={1: {"size": len(arm64.raw) + 1}}),
        "the list says one byte too many: clients that check refuse to pull",
        ("MFL204",),
    )
    yield Sample(
        "broken/wrong-media-type",
        ("latest",),
        index(amd64, arm64, annotate={1: {"mediaType": DOCKER_MANIFEST}}),
        "the entry promises a Docker manifest and an OCI one comes",
        ("MFL205",),
    )


def _wrong_indexes() -> Iterator[Sample]:
    amd64, arm64 = (image("linux", arch, name="indexes") for arch in ("amd64", "arm64"))
    yield Sample(
        "broken/nested",
        ("latest",),
        index(amd64, index(arm64)),
        "an index inside an index: most engines do not look into it",
        ("MFL209",),
    )
    story = "a list without entries: nothing to pull for anybody"
    yield Sample("broken/empty", ("latest",), index(), story, ("MFL211",))


def _windows() -> Iterator[Sample]:
    builds = ("10.0.17763.6775", "10.0.20348.3091")
    both = [image("windows", "amd64", os_version=build, flavour=DOCKER) for build in builds]
    yield Sample(
        "windows/server",
        ("latest",),
        index(*both, flavour=DOCKER),
        "one image for each Windows build, told apart by os.version",
    )
    plain = {"os": "windows", "architecture": "amd64"}
    yield Sample(
        "windows/no-os-version",
        ("latest",),
        index(
            image("linux", "amd64", flavour=DOCKER),
            both[1],
            flavour=DOCKER,
            annotate={1: {"platform": plain}},
        ),
        "a Windows entry without os.version: hosts of other builds pull it in vain",
        ("MFL107",),
    )


def _incomplete() -> Iterator[Sample]:
    amd64, arm64 = (image("linux", arch, name="incomplete") for arch in ("amd64", "arm64"))
    both, alone = index(amd64, arm64), image("linux", "amd64", name="by hand")
    story = "the releases offer amd64 and arm64"
    yield Sample("broken/amd64-only", ("v1.0",), both, story, names=("MFL301",))
    story = "the policy requires arm64 too; and the name says a platform that tags should not need"
    expected = ("MFL401", "MFL403")
    yield Sample("broken/amd64-only", ("latest",), alone, story, expected, ("MFL301",))
    story = "the releases offer amd64 and arm64"
    yield Sample("broken/pushed-by-hand", ("v1.0", "v1.1", "v1.2"), both, story)
    story = "somebody pushed latest from a laptop: arm64 is gone"
    yield Sample("broken/pushed-by-hand", ("latest",), alone, story, ("MFL402", "MFL403"))
    for arch, one in (("amd64", amd64), ("arm64", arm64)):
        yield Sample(
            "broken/tags-with-platforms",
            (f"v1-{arch}",),
            one,
            f"the tag says {arch} instead of a list with one tag for all",
            ("MFL303",),
        )
