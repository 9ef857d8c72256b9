"""Lists as the tools that make them write them: their types, platforms, annotations, oddities.

Facts from what the tools push: docker-library's bashbrew, distroless (rules_oci), ko, buildx,
GoReleaser (`docker manifest`), buildah, Windows base images, Helm, cosign, the SOCI snapshotter,
BuildKit's registry cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mfl_lint.core.manifest import OCI_CONFIG
from tests.builders import (
    DOCKER,
    Built,
    artifact,
    attestation,
    encode,
    image,
    index,
    layer,
)

OFFICIAL: Final = (
    ("amd64", "", "amd64"),
    ("arm", "v5", "arm32v5"),
    ("arm", "v7", "arm32v7"),
    ("arm64", "v8", "arm64v8"),
    ("386", "", "i386"),
    ("mips64le", "", "mips64le"),
    ("ppc64le", "", "ppc64le"),
    ("riscv64", "", "riscv64"),
    ("s390x", "", "s390x"),
)
ZSTD: Final = "io.github.containers.compression.zstd"
ZSTD_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+zstd"
BUILDKIT_CACHE: Final = "application/vnd.buildkit.cacheconfig.v0"
SOCI: Final = "application/vnd.amazon.soci.index.v2+json"
EMPTY: Final = "application/vnd.oci.empty.v1+json"
DIGEST: Final = f"sha256:{'ab' * 32}"


class MadeList(msgspec.Struct, frozen=True):
    """One list under a tag; `expected` are the rules that rightly fire, with their severities."""

    tool: str
    built: Built
    tag: str = "1.2.3"
    expected: tuple[str, ...] = ()


def made_lists() -> Iterator[MadeList]:
    """Yield the lists."""
    yield MadeList("official images", _official())
    yield MadeList("distroless", _distroless(), "latest")
    yield MadeList("ko", _ko())
    yield MadeList("buildx with provenance", _buildx())
    yield MadeList("buildx, one platform", index(_AMD64, attestation(_AMD64)))
    yield MadeList("GoReleaser", _goreleaser(), "v1.2.3")
    yield MadeList("buildah with zstd", _buildah())
    yield MadeList("Windows", _windows(), "ltsc2022")
    yield MadeList("Windows and Linux", _mixed_systems())
    yield MadeList("Helm", _chart())
    yield MadeList("cosign signature", _signature(), f"sha256-{'ab' * 32}.sig")
    yield MadeList("cosign attestation", _dsse(), f"sha256-{'ab' * 32}.att")
    yield MadeList("referrers' tag", _referrers(), f"sha256-{'ab' * 32}")
    yield MadeList("SOCI", _soci())
    yield MadeList("BuildKit cache, list", _cache_list(), "buildcache")
    yield MadeList("BuildKit cache, image", _cache_image(), "buildcache")


_AMD64: Final = image("linux", "amd64")


def _official() -> Built:
    """Each image before its attestation; entries say who built what from which revision."""
    entries: list[Built] = []
    changes: dict[int, dict[str, Any]] = {}
    for arch, variant, name in OFFICIAL:
        built = image("linux", arch, variant, name="official")
        said = {
            "com.docker.official-images.bashbrew.arch": name,
            "org.opencontainers.image.base.digest": DIGEST,
            "org.opencontainers.image.base.name": "debian:trixie-slim",
            "org.opencontainers.image.created": "2026-02-24T00:00:00Z",
            "org.opencontainers.image.revision": "a1b2c3",
            "org.opencontainers.image.source": "https://github.com/docker-library/app.git#a1b2c3:1",
            "org.opencontainers.image.url": "https://hub.docker.com/_/app",
            "org.opencontainers.image.version": "1.2.3",
        }
        changes[len(entries)] = {"annotations": said}
        entries += [built, attestation(built)]
    return index(*entries, annotate=changes)


def _distroless() -> Built:
    """Reproducible: no time anywhere, many small layers, the same order each time."""
    shared = layer({"etc/passwd": b"nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"})
    images = []
    for arch, variant in (("amd64", ""), ("arm", "v7"), ("arm64", "v8"), ("s390x", "")):
        own = layer({"etc/arch": arch.encode()})
        config = {"config": {"User": "65532", "Env": ["PATH=/usr/bin", "SSL_CERT_FILE=/etc/ssl/x"]}}
        images.append(
            image(
                "linux",
                arch,
                variant,
                created="0001-01-01T00:00:00Z",
                layers=[shared, own],
                config=config,
            )
        )
    return index(*images)


def _ko() -> Built:
    """The base's annotations on index and manifests, 1970, and the author in each config."""
    said = {
        "org.opencontainers.image.base.digest": DIGEST,
        "org.opencontainers.image.base.name": "cgr.dev/chainguard/static:latest",
    }
    images = [
        image(
            "linux",
            arch,
            created="1970-01-01T00:00:00Z",
            name="ko",
            manifest={"annotations": said},
            config={
                "author": "github.com/ko-build/ko",
                "config": {
                    "Entrypoint": ["/ko-app/app"],
                    "Env": ["PATH=/ko-app", "KO_DATA_PATH=/var/run/ko"],
                },
            },
        )
        for arch in ("amd64", "arm64")
    ]
    return index(*images, annotations=said)


def _buildx() -> Built:
    """Attestations behind the images; arm64 without v8 in the entry and with it in the config."""
    images = [
        image("linux", "amd64", name="buildx"),
        image("linux", "arm64", "v8", name="buildx"),
        image("linux", "arm", "v7", name="buildx"),
    ]
    attested = [attestation(one) for one in images]
    return index(*images, *attested, annotate={1: {"platform": "linux/arm64"}})


def _goreleaser() -> Built:
    """A manifest list of Docker's, made by `docker manifest create` from one tag for each."""
    images = [
        image("linux", arch, variant, flavour=DOCKER, name="goreleaser")
        for arch, variant in (("amd64", ""), ("arm64", ""), ("arm", "v6"), ("arm", "v7"))
    ]
    return index(*images, flavour=DOCKER)


def _buildah() -> Built:
    """Each platform twice, as gzip and as zstd, which an annotation tells apart."""
    changes: dict[int, dict[str, Any]] = {}
    images: list[Built] = []
    for arch in ("amd64", "arm64"):
        images.append(image("linux", arch, name="buildah"))
        changes[len(images)] = {"annotations": {ZSTD: "true"}}
        plain = image("linux", arch, name="buildah")
        named = [
            {"mediaType": ZSTD_LAYER, "digest": DIGEST, "size": len(raw)} for raw in plain.layers
        ]
        images.append(image("linux", arch, name="buildah", manifest={"layers": named}))
    return index(*images, annotate=changes)


def _windows() -> Built:
    builds = ("10.0.17763.6775", "10.0.20348.3091", "10.0.26100.2894")
    images = [
        image("windows", "amd64", os_version=build, flavour=DOCKER, name=build) for build in builds
    ]
    return index(*images, flavour=DOCKER)


def _mixed_systems() -> Built:
    """Started differently on Windows, and much larger there."""
    windows = image(
        "windows",
        "amd64",
        os_version="10.0.20348.3091",
        config={"config": {"Cmd": ["c:\\windows\\system32\\cmd.exe"], "User": "ContainerUser"}},
        files={"Files/app.exe": b"MZ" + bytes(3 * 1024 * 1024)},
    )
    return index(image("linux", "amd64"), image("linux", "arm64"), windows)


def _chart() -> Built:
    return artifact(
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        b"a chart's archive",
        config=encode({"name": "app", "version": "1.2.3", "apiVersion": "v2"}),
        annotations={
            "org.opencontainers.image.title": "app",
            "org.opencontainers.image.version": "1.2.3",
            "org.opencontainers.image.created": "2026-02-24T12:00:00+01:00",
        },
    )


def _attached(layer_type: str) -> Built:
    """Return what cosign attaches: an image's config type over a layer that is none."""
    config = {"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": [DIGEST]}}
    return artifact(OCI_CONFIG, layer_type, b"signed", config=encode(config))


def _signature() -> Built:
    return _attached("application/vnd.dev.cosign.simplesigning.v1+json")


def _dsse() -> Built:
    return _attached("application/vnd.dsse.envelope.v1+json")


def _referrers() -> Built:
    """The index under a digest's tag, where a registry has no referrers API."""
    sbom = artifact(EMPTY, "application/spdx+json", b"{}", artifactType="application/spdx+json")
    entry = sbom.descriptor(artifactType="application/spdx+json")
    return msgspec.structs.replace(index(entry), children=(sbom,))


def _soci() -> Built:
    """Beside each image its index of layers, for the same platform and with an artifactType."""
    entries: list[Built] = []
    changes: dict[int, dict[str, Any]] = {}
    for arch in ("amd64", "arm64"):
        built = image("linux", arch, name="soci")
        soci = artifact(SOCI, "application/octet-stream", arch.encode(), artifactType=SOCI)
        entries += [built, soci]
        changes[len(entries) - 1] = {
            "artifactType": SOCI,
            "platform": f"linux/{arch}",
            "annotations": {"com.amazon.soci.image-manifest-digest": built.digest},
        }
    return index(*entries, annotate=changes)


def _cache_list() -> Built:
    """Layers and a cache's config as the entries of an index."""
    gzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    said = {"buildkit/createdat": "2026-02-24T12:00:00Z", "containerd.io/uncompressed": DIGEST}
    layers = [
        {"mediaType": gzip, "digest": DIGEST, "size": 32, "annotations": said},
        {"mediaType": BUILDKIT_CACHE, "digest": f"sha256:{'cd' * 32}", "size": 9},
    ]
    return index(*layers)


def _cache_image() -> Built:
    gzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    return artifact(BUILDKIT_CACHE, gzip, b"layer")
