"""A store as weeks of crawls leave it: several registries, good and broken tags, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import msgspec

from mfl_lint.config import Config, HookConfig, RegistryConfig
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import VERIFIED, Look, LookState, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Policy, Requirement
from mfl_lint.core.records import Batch, CrawlStatus, Lease, TagState, TagWrite
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Siblings
from mfl_lint.core.truth import Settlement, Tracked, settle, settle_failed_look, settle_gone
from mfl_lint.crawl import facts
from mfl_lint.demo.build import Built
from mfl_lint.lint import judge, judge_name
from mfl_lint.rules import discover
from mfl_lint.store import crawls, findings, ignores, leases, looks, observations, registries
from mfl_lint.store.engine import Store
from tests.builders import attestation, image, index, observation
from tests.web.filled_alerts import fill_alerts

NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WIDE: Final = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x")
USUAL: Final = ("linux/amd64", "linux/arm64")
HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe\x07"

RULES: Final = discover()
POLICY: Final = Policy(
    requirements=(
        Requirement(
            platforms=(Platform("linux", "amd64"), Platform("linux", "arm64")),
            repositories=("platform/*", "shop/*"),
        ),
    ),
    ignores=(
        Ignore(
            rule="MFL104",
            reason="the appliance only ever runs v7",
            repository="edge/*",
            expires=NOW + timedelta(days=60),
        ),
    ),
    hosts=(Platform("linux", "amd64"),),
    # The pages' tests count what is wrong with single tags; versions beside them differ at will.
    disabled=frozenset({"MFL403"}),
)
CONFIG: Final = Config(
    registries=(
        RegistryConfig("internal", "registry.internal.example:5000", interval_s=3600),
        RegistryConfig("hub", "docker.io", interval_s=86400, repositories=("acme/*",)),
        RegistryConfig("edge", "cr.edge.example", interval_s=7200),
        RegistryConfig("archive", "archive.example", repositories=("old/*",)),
    ),
    hooks=(HookConfig("harbor-pushes", "harbor", "internal", secret_env="HOOK_OF_HARBOR"),),
    policy=POLICY,
)

Tags = Mapping[str, Built | None]
Looks = Mapping[Digest, Look]


async def record_tags(
    store: Store,
    registry: str,
    repository: str,
    tags: Tags,
    at: datetime,
    *,
    crawl_id: int = 1,
    looks: Looks | None = None,
    policy: Policy = POLICY,
) -> None:
    """Look at the tags, judge and record them as a crawl does; None is a tag that is gone."""
    lease = await leases.acquire(store, registry, repository, "test", 60, at)
    assert lease is not None
    seen = {
        name: observation(
            built,
            registry=registry,
            repository=repository,
            tag=name,
            looked_at=at,
            looks=looks,
            look=VERIFIED if built else Look(LookState.ABSENT, "manifest unknown"),
        )
        for name, built in tags.items()
    }
    before = await findings.tracked(store, lease.repository_id, None)
    known = await observations.known_tags(store, lease.repository_id)
    summaries = tuple(facts.summary(tag, one.root) for tag, one in seen.items() if one.root)
    siblings = Siblings(tags=summaries, repositories=(repository,))
    writes = tuple(
        _write(one, known.get(tag), before.get(tag, ()), siblings, policy)
        for tag, one in seen.items()
    )
    contents = {
        content.digest: content
        for one in seen.values()
        if one.root
        for content in facts.contents(one.root, ())
    }
    name = _name_settlement(registry, repository, before.get("", ()), siblings, at, policy)
    batch = Batch(crawl_id, at, writes, (), tuple(contents.values()), name)
    await observations.record(store, lease, batch)
    await _finish(store, lease, at)


async def _finish(store: Store, lease: Lease, at: datetime, detail: str = "") -> None:
    look = LookState.DENIED if detail else LookState.VERIFIED
    await observations.finish_repository(
        store,
        lease,
        look=look,
        detail=detail,
        siblings_hash="",
        missing_since=None,
        gone_at=None,
        now=at,
    )
    await leases.release(store, lease)


def _name_settlement(
    registry: str,
    repository: str,
    before: Sequence[Tracked],
    siblings: Siblings,
    at: datetime,
    policy: Policy,
) -> Settlement:
    judgement = judge_name(registry, Reference(registry, repository), RULES, policy, siblings)
    judged = frozenset(rule.id for rule in RULES)
    return settle(before, judgement, complete=True, judged=judged, now=at, missed_rounds=3)


def _write(
    seen: Observation,
    known: TagState | None,
    before: Sequence[Tracked],
    siblings: Siblings,
    policy: Policy,
) -> TagWrite:
    tag, at = seen.reference.tag or "", seen.looked_at
    if seen.root is None:
        gone = msgspec.structs.replace(
            known or TagState(tag),
            look=LookState.ABSENT,
            looked_at=at,
            missing_since=at,
            gone_at=at,
        )
        return TagWrite(gone, settle_gone(before, reason="the tag is gone", now=at))
    moved = known is None or known.digest != seen.digest
    judgement = judge(seen, RULES, policy, siblings, moved_at=at - timedelta(days=1))
    judged = frozenset(rule.id for rule in RULES)
    state = TagState(
        tag,
        digest=seen.digest,
        look=LookState.VERIFIED,
        first_seen_at=known.first_seen_at if known else at,
        looked_at=at,
        verified_at=at,
        walked_at=at,
        moved_at=at if known and moved else known.moved_at if known else None,
        complete=seen.complete,
        judged_hash="judged",
        unsettled=any(judgement.unknown_rules()),
        summary=facts.summary(tag, seen.root),
    )
    return TagWrite(
        state,
        settle(
            before,
            judgement,
            complete=seen.complete,
            judged=judged,
            now=at,
            missed_rounds=3,
        ),
        facts.entries(seen.root),
        tuple(facts.presences(seen.root, (), at)),
        moved,
    )


async def lose_sight(store: Store, registry: str, repository: str, tag: str, at: datetime) -> None:
    """Record three looks at a tag that all failed: its findings become unknown."""
    for minutes in (0, 10, 20):
        now = at + timedelta(minutes=minutes)
        lease = await leases.acquire(store, registry, repository, "test", 60, now)
        assert lease is not None
        before = (await findings.tracked(store, lease.repository_id, [tag])).get(tag, ())
        known = (await observations.known_tags(store, lease.repository_id))[tag]
        state = msgspec.structs.replace(
            known, look=LookState.UNREACHABLE, detail="no answer within 30 s", looked_at=now
        )
        lost = settle_failed_look(before, reason="unreachable", now=now, missed_rounds=3)
        await observations.record(store, lease, Batch(1, now, (TagWrite(state, lost),)))
        await _finish(store, lease, now, "401 for the list of tags")


@cache
def app(
    name: str,
    platforms: tuple[str, ...] = WIDE,
    day: int = 1,
    megabytes: int = 42,
    attested: bool = False,
) -> Built:
    """Return an index of an application as its pipeline pushes it on a day of February."""
    images = [_image(name, platform, day, megabytes + at) for at, platform in enumerate(platforms)]
    extra = [attestation(one) for one in images] if attested else []
    annotations = {
        "org.opencontainers.image.source": f"https://git.example/{name}",
        "org.opencontainers.image.version": f"2.{day}",
    }
    return index(*images, *extra, annotations=annotations)


def _image(name: str, platform: str, day: int, megabytes: int) -> Built:
    os, arch, variant = (*platform.split("/"), "")[:3]
    layer = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": digest_of(f"{name}{platform}{day}".encode()),
        "size": megabytes * 1_048_576 + day * 3137,
    }
    return image(
        os,
        arch,
        variant,
        name=f"{name} {day}",
        created=f"2026-02-{day:02}T08:{day:02}:00Z",
        manifest={"layers": [layer]},
    )


async def fill(store: Store) -> None:
    """Fill the store with all that the pages can show."""
    await registries.sync_registries(store, CONFIG.registries, NOW - timedelta(days=20))
    for day in (16, 13, 11, 8, 5, 3, 1, 0):
        at = NOW - timedelta(days=day, minutes=25)
        for registry in ("internal", "hub"):
            crawl = await crawls.start_crawl(store, registry, at)
            repositories = _world(registry, 16 - day)
            for repository, tags in repositories.items():
                await record_tags(
                    store, registry, repository, tags, at, crawl_id=crawl, looks=_gone(day)
                )
            total = sum(map(len, repositories.values()))
            await crawls.progress(
                store,
                crawl,
                repositories=len(repositories),
                repositories_done=len(repositories),
                tags=total,
                requests=total * 9 + day,
            )
            end = at + timedelta(seconds=34 + day * 7)
            await crawls.finish_crawl(store, crawl, CrawlStatus.DONE, "", end)
    await _edge(store)
    await _running(store)
    await fill_alerts(store, NOW - timedelta(minutes=10))


def _gone(day: int) -> Looks:
    """Return what somebody deleted by digest five days ago."""
    if day > 5:
        return {}
    lost = app("checkout", WIDE, 9).children
    return {lost[at].digest: Look(LookState.ABSENT, "manifest unknown") for at in (1, 3)}


def _world(registry: str, day: int) -> dict[str, Tags]:
    """Return repositories and tags of a registry on a day of the story."""
    pushed = max(1, day)
    if registry == "hub":
        both = app("tools", USUAL, pushed)
        return {
            "acme/tools": {
                "latest": both,
                "1.9": app("tools", USUAL, 3),
                "1.8": app("tools", USUAL, 2),
            },
            "acme/agent-arm64": {"latest": _image("agent", "linux/arm64", 4, 18)},
            "acme/agent-amd64": {"latest": _image("agent", "linux/amd64", 4, 19)},
            "s390x/agent": {"latest": _image("agent", "linux/s390x", 4, 19)},
            "acme/runner": {
                "latest": _image("runner", "linux/amd64", pushed, 210),
                "v3-amd64": _image("runner", "linux/amd64", 2, 208),
                "v3-arm64": _image("runner", "linux/arm64", 2, 207),
            },
        }
    world: dict[str, Tags] = {
        f"platform/{name}": {
            "latest": app(name, WIDE, pushed, size, attested=True),
            **{f"2.{at}": app(name, WIDE, at, size, attested=True) for at in range(1, 9, 3)},
        }
        for name, size in (("gateway", 61), ("auth", 48), ("queue", 35), ("scheduler", 52))
    }
    world["shop/checkout"] = {
        f"3.{minor}": app("checkout", WIDE, minor) for minor in range(4, 12)
    } | {"latest": _checkout(day)}
    world["shop/catalogue"] = {"latest": _catalogue(day), "1.0": app("catalogue", USUAL, 1)}
    world["shop/search"] = {"latest": app("search", USUAL[: 1 if day > 11 else 2], pushed)}
    world["edge/sensor"] = {"latest": index(*_armed()), "0.9": index(*_armed(), schema=2)}
    world["shop/legacy"] = {
        "latest": app("legacy", USUAL, 1),
        "old": app("legacy", USUAL, 1) if day < 8 else None,
    }
    return world


def _checkout(day: int) -> Built:
    """Return what latest points at: since the eighth day an arm64 entry that holds amd64."""
    if day < 8:
        return app("checkout", WIDE, 8)
    wrong = {1: {"platform": "linux/arm64"}}
    return index(
        _image("checkout", "linux/amd64", 10, 44),
        _image("checkout other", "linux/amd64", 10, 45),
        _image("checkout", "linux/s390x", 10, 41),
        annotate=wrong,
        annotations={"org.opencontainers.image.source": "https://git.example/shop/checkout"},
    )


def _catalogue(day: int) -> Built:
    if day < 5 or day > 13:
        return app("catalogue", USUAL, max(1, day))
    spelt = {0: {"platform": "linux/x86_64"}, 1: {"platform": "linux/aarch64"}}
    return index(*(_image("catalogue", platform, day, 77) for platform in USUAL), annotate=spelt)


def _armed() -> tuple[Built, ...]:
    return (_image("sensor", "linux/amd64", 6, 22), _image("sensor", "linux/arm", 6, 21))


async def _edge(store: Store) -> None:
    """Fill the registry that stopped answering, with what it served before."""
    at = NOW - timedelta(days=6)
    crawl = await crawls.start_crawl(store, "edge", at)
    broken = index(*_armed(), index(_image("nested", "linux/arm64", 3, 20)))
    await record_tags(
        store,
        "edge",
        "fleet/probe",
        {"latest": broken, "1": app("probe", USUAL)},
        at,
        crawl_id=crawl,
    )
    partial = app("partial", USUAL)
    unseen = Look(LookState.UNREACHABLE, "no answer within 30 s")
    await record_tags(
        store,
        "edge",
        "fleet/partial",
        {"latest": partial},
        at,
        crawl_id=crawl,
        looks={partial.children[1].digest: unseen},
    )
    await crawls.finish_crawl(store, crawl, CrawlStatus.DONE, "", at + timedelta(seconds=9))
    await lose_sight(store, "edge", "fleet/probe", "latest", NOW - timedelta(hours=5))
    later = await crawls.start_crawl(store, "edge", NOW - timedelta(hours=2))
    problem = "cr.edge.example does not answer: connection refused"
    await crawls.finish_crawl(
        store, later, CrawlStatus.FAILED, problem, NOW - timedelta(hours=2) + timedelta(seconds=61)
    )
    await registries.set_notice(store, "edge", f"Unreachable since 07:00: {problem}", NOW)


async def _running(store: Store) -> None:
    crawl = await crawls.start_crawl(store, "internal", NOW - timedelta(seconds=40))
    await crawls.progress(store, crawl, repositories=9, repositories_done=5, tags=23, requests=31)
    some = await crawls.start_crawl(store, "hub", NOW - timedelta(minutes=3), partial=True)
    await crawls.progress(store, some, repositories=1, repositories_done=1, tags=3, requests=4)
    end = NOW - timedelta(minutes=2)
    await crawls.finish_crawl(store, some, CrawlStatus.DONE, "", end)


async def fill_hostile(store: Store) -> None:
    """Fill the store with markup wherever a registry could put some."""
    await registries.sync_registries(store, CONFIG.registries, NOW)
    child = _image("evil", "linux/amd64", 1, 1)
    wild = {0: {"platform": {"os": HOSTILE, "architecture": HOSTILE, "variant": HOSTILE}}}
    wild[0] |= {"annotations": {HOSTILE: HOSTILE}}
    built = index(
        child,
        child,
        annotate=wild,
        annotations={
            HOSTILE: HOSTILE,
            "a.script": "javascript:alert(1)",
            "a.data": "data:text/html,<script>alert(1)</script>",
            "a.link": 'https://example.com/?q="><script>alert(1)</script>',
        },
    )
    config = {"os": HOSTILE, "architecture": HOSTILE, "created": HOSTILE}
    lone = image("linux", "amd64", config=config)
    for moved in (index(child), built):
        tags = {"latest": built, "lone": lone, "moved": moved}
        await record_tags(store, "hub", "acme/evil", tags, NOW)
    lease = await leases.acquire(store, "hub", "acme/evil", "test", 60, NOW)
    assert lease is not None
    state = (await observations.known_tags(store, lease.repository_id))["lone"]
    failed = msgspec.structs.replace(state, look=LookState.INVALID, detail=HOSTILE)
    await observations.record(store, lease, Batch(1, NOW, (TagWrite(failed),)))
    await _finish(store, lease, NOW, HOSTILE)
    crawl = await crawls.start_crawl(store, "hub", NOW)
    await crawls.finish_crawl(store, crawl, CrawlStatus.FAILED, HOSTILE, NOW)
    await registries.set_notice(store, "hub", HOSTILE, NOW)
    ignore = Ignore("MFL1*", HOSTILE, "hub", HOSTILE, HOSTILE)
    await ignores.set_ignore(store, ignore, who=HOSTILE, now=NOW)
    await looks.request_look(store, "hub", HOSTILE, HOSTILE, NOW, HOSTILE, who=HOSTILE)
    await fill_alerts(store, NOW, HOSTILE)
