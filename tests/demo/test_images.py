from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import INDEX_TYPES
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.rule import Siblings, TagSummary
from mfl_lint.crawl.facts import summary
from mfl_lint.demo.images import DEMO_POLICY, DemoImage, fill, samples
from mfl_lint.demo.registry import DemoRegistry, running
from mfl_lint.lint import judge, judge_name
from mfl_lint.rules import discover
from tests.builders import observation

WRONG_ON_PURPOSE = {"broken/dangling", "broken/wrong-size", "broken/wrong-media-type"}


@pytest.fixture(scope="module")
def registry() -> DemoRegistry:
    return DemoRegistry()


@pytest.fixture(scope="module")
def images(registry: DemoRegistry) -> tuple[DemoImage, ...]:
    return fill(registry)


def test_the_demo_shows_good_and_broken_repositories(images: tuple[DemoImage, ...]) -> None:
    names = {image.repository for image in images}
    good = {image.repository for image in images if image.repository.startswith("good/")}
    assert 12 <= len(names)
    assert {"good/app", "good/docker-list", "good/with-attestations", "good/chart"} == good


def test_only_good_images_expect_nothing(images: tuple[DemoImage, ...]) -> None:
    for image in images:
        expects = bool(image.expected or image.expected_names)
        is_broken = image.repository.startswith("broken/") and not image.tag.startswith("v1.")
        if is_broken or image.repository.startswith("good/"):
            assert is_broken == expects, image
        assert image.story


def test_every_named_tag_is_there_and_no_other(
    registry: DemoRegistry, images: tuple[DemoImage, ...]
) -> None:
    expected = {(image.repository, image.tag) for image in images}
    listed = {(name, tag) for name in registry.repositories() for tag in registry.tags(name) or ()}
    assert expected == listed
    assert len(images) == len(expected)


def test_filling_twice_gives_the_same_digests(registry: DemoRegistry) -> None:
    again = DemoRegistry()
    for image in fill(again):
        first = registry.manifest(image.repository, image.tag)
        assert first == again.manifest(image.repository, image.tag)


def test_every_image_has_its_blobs_and_its_diff_ids(
    registry: DemoRegistry, images: tuple[DemoImage, ...]
) -> None:
    checked = 0
    for name in {image.repository for image in images}:
        for tag in registry.tags(name) or ():
            checked += check(registry, name, tag)
    assert 40 <= checked


def check(registry: DemoRegistry, name: str, target: str) -> int:
    """Check everything below a manifest; return how many layers were unpacked."""
    stored = registry.manifest(name, target)
    if stored is None:
        assert "broken/dangling" == name
        return 0
    document = json.loads(stored.raw)
    if stored.media_type in INDEX_TYPES:
        return sum(check(registry, name, entry["digest"]) for entry in document["manifests"])
    config = json.loads(registry.blob(name, document["config"]["digest"]) or b"")
    unpacked = 0
    for position, entry in enumerate(document["layers"]):
        data = registry.blob(name, Digest(entry["digest"]))
        assert data is not None
        assert entry["size"] == len(data)
        if entry["mediaType"].endswith("gzip") and "rootfs" in config:
            digest = hashlib.sha256(gzip.decompress(data)).hexdigest()
            assert config["rootfs"]["diff_ids"][position] == f"sha256:{digest}"
            unpacked += 1
    return unpacked


def test_the_policy_demands_two_platforms_of_one_repository_only(
    images: tuple[DemoImage, ...],
) -> None:
    demanded = {
        image.repository for image in images if any(DEMO_POLICY.required(image.repository, "v1"))
    }
    assert {"broken/amd64-only"} == demanded


def test_the_rules_find_what_is_expected_and_nothing_else(
    images: tuple[DemoImage, ...], looked_at: dict[tuple[str, str], Observation]
) -> None:
    rules = discover()
    for image in images:
        beside = siblings(image.repository, looked_at)
        seen = looked_at[image.repository, image.tag]
        tag = judge(seen, rules, DEMO_POLICY, beside)
        name = judge_name("test", seen.reference, rules, DEMO_POLICY, beside)
        where = (image.repository, image.tag)
        assert (where, set(image.expected)) == (where, {one.rule for one in tag.findings})
        assert (where, set(image.expected_names)) == (where, {one.rule for one in name.findings})
        assert (where, []) == (where, [*tag.unknown_rules(), *name.unknown_rules()])


@pytest.fixture(scope="module")
def looked_at() -> dict[tuple[str, str], Observation]:
    return {
        (sample.repository, tag): observation(
            sample.built,
            repository=sample.repository,
            tag=tag,
            looks={digest: Look(LookState.ABSENT, "manifest unknown") for digest in sample.gone},
        )
        for sample in samples()
        for tag in sample.tags
    }


def siblings(repository: str, looked_at: dict[tuple[str, str], Observation]) -> Siblings:
    """Return what stands beside a repository's tags, in it and in the others."""
    tags: dict[str, tuple[TagSummary, ...]] = {}
    for (name, tag), seen in looked_at.items():
        assert seen.root is not None
        tags[name] = (*tags.get(name, ()), summary(tag, seen.root))
    others = {name: there for name, there in tags.items() if name != repository}
    return Siblings(tags[repository], tuple(sorted(tags)), others)


async def test_skopeo_copies_every_image_that_is_not_broken_on_purpose(
    registry: DemoRegistry, images: tuple[DemoImage, ...], skopeo: str, tmp_path: Path
) -> None:
    refused = set()
    async with running(registry.app()) as host:
        for number, image in enumerate(images):
            there = f"docker://{host}/{image.repository}:{image.tag}"
            command = [skopeo, "copy", "--all", "--src-tls-verify=false", there]
            done = await asyncio.to_thread(
                subprocess.run, [*command, f"dir:{tmp_path / str(number)}"], capture_output=True
            )
            if done.returncode:
                refused.add(image.repository)
    assert refused <= WRONG_ON_PURPOSE | {"broken/nested"}
    assert "broken/dangling" in refused
