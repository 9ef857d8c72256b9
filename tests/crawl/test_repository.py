"""Crawling repositories: what is asked for, and what it makes of findings."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import event

from mfl_lint.core.observation import LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Requirement
from mfl_lint.crawl.repository import crawl_repository
from mfl_lint.store import crawls
from tests import faults
from tests.builders import Built, image, index
from tests.crawl.world import DOCUMENTS, HEADS, NAME, World
from tests.fault_registry import AT_CHILD, AT_INDEX, AT_MANIFEST, AT_TAGS

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
DAY_S = 24 * 3600.0
BOTH = Requirement((Platform("linux", "amd64"), Platform("linux", "arm64")))


def many(number: int) -> list[Built]:
    """Return indexes that differ."""
    return [index(image("linux", "amd64", name=f"n{i}"), ARM64) for i in range(number)]


async def test_an_unchanged_tag_costs_one_head_and_no_document(either_world: World) -> None:
    world = either_world
    world.place("app", GOOD, "v1", "v2")
    world.place("app", WRONG, "v3")
    await world.crawl()
    assert ["app:v3 MFL101"] == await world.found()
    await world.crawl()
    assert [] == world.asked(DOCUMENTS)
    assert [f"HEAD /v2/app/manifests/v{n}" for n in (1, 2, 3)] == sorted(world.asked(HEADS))


async def test_a_repository_is_two_writes_and_few_reads_fresh_and_two_writes_unchanged(
    world: World,
) -> None:
    world.place("first", GOOD, "v1")
    await world.crawl()
    names = [f"app{number}" for number in range(6)]
    for name, built in zip(names, many(6), strict=True):
        world.place(name, built, "v1", "v2")
    begun: list[str] = []
    for kind, lane in (("write", world.store._writer), ("read", world.store._reader)):
        event.listen(lane.engine, "begin", lambda _, kind=kind: begun.append(kind))

    async def transactions(some: list[str]) -> tuple[int, int]:
        begun.clear()
        await world.crawler().crawl(NAME, only=some)
        return begun.count("write"), begun.count("read")

    one, five = await transactions(names[:1]), await transactions(names[1:])
    # Those that wait for one another are committed together.
    assert 0 <= five[0] - one[0] <= 4 * 2
    assert 4 * 5 >= five[1] - one[1]
    one, five = await transactions(names[:1]), await transactions(names[1:])
    assert 0 <= five[0] - one[0] <= 4 * 2
    assert one[1] == five[1]


async def test_a_digest_is_fetched_once_ever_however_many_tags_and_repositories_have_it(
    world: World,
) -> None:
    world.change_settings(repositories_at_once=1)
    for repository in ("one", "two"):
        world.place(repository, GOOD, "v1", "v1.2", "latest")
        world.place(repository, index(ARM64, AMD64), "other")
    await world.crawl()
    bodies = [path.rpartition("/")[2] for path in world.asked(DOCUMENTS)]
    # Two indexes by tag, two children and two configs by digest.
    assert 6 == len(bodies)
    await world.crawl(2 * DAY_S)
    assert [] == world.asked(DOCUMENTS)


async def test_presence_is_looked_at_again_after_its_age_with_heads_only(world: World) -> None:
    world.place("app", GOOD, "v1")
    await world.crawl()
    await world.crawl(DAY_S - 60)
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(HEADS)
    await world.crawl(120)
    assert [] == world.asked(DOCUMENTS)
    assert 3 == len(world.asked(HEADS))
    assert 2 == len(world.asked(("HEAD", AT_CHILD[1])))


async def test_a_walk_that_trusted_an_older_look_does_not_make_it_younger(world: World) -> None:
    world.place("app", GOOD, "v1")
    await world.crawl()
    world.change_policy(severities={"MFL101": "info"})
    await world.crawl(DAY_S - 60)
    assert 0 == len(world.asked(("HEAD", AT_CHILD[1])))
    await world.crawl(120)
    assert 2 == len(world.asked(("HEAD", AT_CHILD[1])))


async def test_a_head_with_the_stored_digest_opens_and_resolves_nothing(world: World) -> None:
    world.place("app", WRONG, "bad")
    world.place("app", GOOD, "good")
    await world.crawl()
    before = await world.changes()
    world.registry.demo.delete_manifest("app", ARM64.digest)
    await world.crawl()
    assert ["app:bad MFL101"] == await world.found()
    assert before == await world.changes()
    await world.crawl(DAY_S)
    assert ["app:bad MFL101", "app:good MFL201"] == await world.found()


async def test_without_a_digest_header_a_get_is_made(world: World) -> None:
    world.registry.fault(AT_INDEX, faults.digest_header(None))
    world.place("app", GOOD, "v1")
    await world.crawl()
    await world.crawl()
    assert ["GET /v2/app/manifests/v1"] == world.asked(DOCUMENTS)
    world.place("app", WRONG, "v1")
    await world.crawl()
    assert ["app:v1 MFL101"] == await world.found()


async def test_a_finding_opens_stays_resolves_and_opens_again_with_the_images(
    either_world: World,
) -> None:
    world = either_world
    world.place("app", WRONG, "v1")
    await world.crawl()
    await world.crawl()
    world.place("app", GOOD, "v1")
    await world.crawl()
    assert [] == await world.found()
    world.place("app", WRONG, "v1")
    await world.crawl()
    expected = ["v1 MFL101 opened", "v1 MFL101 resolved", "v1 MFL101 opened"]
    assert expected == await world.changes()
    assert [1, 2, 3] == [item.transition.sequence for item in await world.transitions()]


async def test_an_incomplete_look_neither_opens_nor_resolves(world: World) -> None:
    world.place("app", WRONG, "was-bad")
    world.place("app", GOOD, "was-good")
    await world.crawl()
    new = image("linux", "arm64", name="new")
    world.place("app", index(AMD64, new), "was-bad")
    twice = index(AMD64, AMD64, new)
    world.place("app", twice, "was-good")
    world.registry.fault(("*", str(new.digest)), faults.status(403))
    await world.crawl()
    assert ["app:was-bad MFL101"] == await world.found()
    world.registry.heal()
    await world.crawl()
    assert ["app:was-good MFL105"] == await world.found()


async def test_a_finding_is_unknown_after_three_missed_rounds_and_comes_back(
    world: World,
) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.fault(AT_MANIFEST, faults.status(503))
    await world.crawl()
    await world.crawl()
    confirmed = (await world.transitions())[0].transition.at
    assert ["app:v1 MFL101"] == await world.found("open")
    await world.crawl()
    assert [] == await world.found("open")
    assert ["app:v1 MFL101"] == await world.found("unknown")
    assert "none of 1 repositories could be looked at" in await world.notice()
    await world.crawl()
    world.registry.heal()
    await world.crawl()
    assert ["app:v1 MFL101"] == await world.found("open")
    expected = ["v1 MFL101 opened", "v1 MFL101 unknown", "v1 MFL101 recovered"]
    assert expected == await world.changes()
    assert confirmed < (await world.transitions())[-1].transition.at
    assert "" == await world.notice()


async def test_a_tag_that_was_not_seen_is_walked_again_when_the_registry_is_back(
    world: World,
) -> None:
    world.place("app", GOOD, "v1")
    await world.crawl()
    world.registry.fault(AT_MANIFEST, faults.status(503), times=5)
    await world.crawl()
    assert LookState.UNREACHABLE is (await world.tag("app", "v1")).look
    await world.crawl()
    assert LookState.VERIFIED is (await world.tag("app", "v1")).look
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(HEADS)


async def test_a_tag_is_gone_after_two_404s_ten_minutes_apart(either_world: World) -> None:
    world = either_world
    world.place("app", WRONG, "v1")
    world.place("app", GOOD, "v2")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")
    await world.crawl()
    assert (await world.tag("app", "v1")).gone_at is None
    await world.crawl(9 * 60)
    assert ["app:v1 MFL101"] == await world.found()
    world.change_settings(missed_rounds=4)
    await world.crawl(2 * 60)
    assert (await world.tag("app", "v1")).gone_at is not None
    changes = ["v1 MFL101 opened", "v1 MFL101 resolved", "v1 MFL504 opened"]
    assert changes == await world.changes()
    await world.crawl()
    assert 0 == len(world.asked(("*", "/v1$")))


async def test_a_round_that_takes_long_confirms_no_404_by_itself(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")

    def slow(_: object) -> None:
        world.clock.seconds += 3600

    world.place("zoo", GOOD, "v1")
    world.change_settings(repositories_at_once=1)
    world.registry.fault(("GET", "/zoo/tags/list"), faults.before(slow))
    await world.crawl()
    assert (await world.tag("app", "v1")).gone_at is None
    await world.crawl()
    assert (await world.tag("app", "v1")).gone_at is not None


async def test_a_404_after_the_tag_was_there_again_starts_anew(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")
    await world.crawl()
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")
    await world.crawl()
    assert (await world.tag("app", "v1")).gone_at is None
    assert ["app:v1 MFL101"] == await world.found()


async def test_a_gone_tag_that_is_pushed_again_is_back_with_its_findings(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")
    await world.crawl()
    await world.crawl()
    world.place("app", WRONG, "v1")
    await world.crawl()
    assert (await world.tag("app", "v1")).gone_at is None
    changes = await world.changes()
    assert ["opened", "resolved", "opened"] == [c.split()[-1] for c in changes if "101" in c]
    assert ["opened", "resolved"] == [c.split()[-1] for c in changes if "504" in c]


async def test_a_tag_that_moves_between_head_and_get_is_what_get_gave(world: World) -> None:
    world.place("app", GOOD, "v1")
    move = faults.after(lambda _: world.place("app", WRONG, "v1"))
    world.registry.fault(("HEAD", "/v1$"), move, times=1)
    await world.crawl()
    assert WRONG.digest == (await world.tag("app", "v1")).digest
    assert ["app:v1 MFL101"] == await world.found()


async def test_a_child_that_is_gone_because_the_tag_moved_is_no_dangling_digest(
    world: World,
) -> None:
    world.place("app", GOOD, "v1")

    def replace(_: object) -> None:
        world.place("app", index(AMD64), "v1")
        world.registry.demo.delete_manifest("app", ARM64.digest)

    world.registry.fault(("GET", "/v1$"), faults.after(replace), times=1)
    await world.crawl()
    assert [] == await world.found(rules=("MFL201",))
    assert index(AMD64).digest == (await world.tag("app", "v1")).digest


async def test_an_incomplete_listing_removes_nothing(world: World) -> None:
    for number, built in enumerate(many(4)):
        world.place("app", built, f"v{number}")
    world.place("app", WRONG, "v9")
    await world.crawl()
    before = await world.changes()
    broken = faults.page(["v0"], "/v2/app/tags/list?last=v0")
    world.registry.fault(("GET", r"/tags/list\?n="), broken)
    world.registry.fault(("GET", r"/tags/list\?last=v0"), faults.status(500))
    for _ in range(4):
        await world.crawl()
    assert before == await world.changes()
    assert all(state.watched for state in (await world.tags("app")).values())
    assert 5 == len(world.asked(HEADS))
    assert ["app:v9 MFL101"] == await world.found()


async def test_siblings_are_not_judged_from_half_a_listing(world: World) -> None:
    for number, built in enumerate(many(3)):
        world.place("app", built, f"v{number}")
    world.place("app", AMD64, "w1")
    for number in range(6):
        world.place("app", image("linux", "amd64", name=f"s{number}"), f"x{number}")
    half = faults.page(["v0", "v1", "v2", "w1"], "/v2/app/tags/list?last=w1")
    world.registry.fault(("GET", r"/tags/list\?n="), half)
    world.registry.fault(("GET", r"/tags/list\?last=w1"), faults.status(500))
    await world.crawl()
    assert [] == await world.found(rules=("MFL402",))
    world.registry.heal()
    await world.crawl()
    assert [] == await world.found(rules=("MFL402",))


async def test_a_tag_that_leaves_the_configuration_resolves_and_vanishes_nothing(
    world: World,
) -> None:
    world.place("app", WRONG, "v1", "nightly")
    await world.crawl()
    before = await world.changes()
    world.change(exclude_tags=("nightly",))
    world.registry.demo.delete_manifest("app", "nightly")
    for _ in range(4):
        await world.crawl()
    assert before == await world.changes()
    assert ["app:v1 MFL101"] == await world.found()
    assert ["app:nightly MFL101", "app:v1 MFL101"] == await world.found(watched=False)
    state = await world.tag("app", "nightly")
    assert (False, None) == (state.watched, state.gone_at)
    assert [] == world.asked(("*", "nightly"))


async def test_a_tag_that_is_no_longer_among_the_newest_is_unwatched(world: World) -> None:
    world.change(newest=2)
    world.place("app", WRONG, "1.0", "1.1")
    await world.crawl()
    world.place("app", WRONG, "1.2")
    await world.crawl()
    assert ["app:1.1 MFL101", "app:1.2 MFL101"] == await world.found()
    assert ["opened"] * 3 == [change.split()[-1] for change in await world.changes()]
    world.change(newest=3)
    await world.crawl()
    assert 3 == len(await world.found())
    assert 3 == len(await world.changes())


async def test_a_changed_policy_judges_again_without_a_document(world: World) -> None:
    world.place("app", index(AMD64), "v1")
    await world.crawl()
    assert [] == await world.found(rules=("MFL401",))
    world.change_policy(requirements=(BOTH,))
    await world.crawl()
    assert ["app:v1 MFL401"] == await world.found(rules=("MFL401",))
    assert [] == world.asked(DOCUMENTS)
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(HEADS)
    world.change_policy(disabled=frozenset({"MFL401"}))
    await world.crawl()
    assert [] == await world.found(rules=("MFL401",))
    assert [] == world.asked(DOCUMENTS)


async def test_a_tag_that_moved_waits_to_settle_and_is_judged_later_though_it_is_unchanged(
    world: World,
) -> None:
    world.change_policy(requirements=(BOTH,), settle_s=6 * 3600.0)
    world.place("app", GOOD, "v1")
    await world.crawl()
    world.place("app", index(AMD64), "v1")
    await world.crawl()
    await world.crawl(5 * 3600)
    assert [] == await world.found(rules=("MFL401",))
    await world.crawl(2 * 3600)
    assert ["app:v1 MFL401"] == await world.found(rules=("MFL401",))
    assert [] == world.asked(DOCUMENTS)
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(HEADS)


async def test_a_tag_of_unknown_age_is_judged_at_once_and_one_that_appears_later_settles(
    world: World,
) -> None:
    world.change_policy(requirements=(BOTH,), settle_s=6 * 3600.0)
    world.place("app", index(AMD64), "v1")
    await world.crawl()
    assert ["app:v1 MFL401"] == await world.found(rules=("MFL401",))
    world.place("app", index(AMD64), "v2")
    await world.crawl()
    assert ["app:v1 MFL401"] == await world.found(rules=("MFL401",))
    await world.crawl(7 * 3600)
    assert ["app:v1 MFL401", "app:v2 MFL401"] == await world.found(rules=("MFL401",))


async def test_a_denied_listing_is_never_read_as_deleted(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    for code in (401, 403):
        world.registry.heal()
        world.registry.fault(AT_TAGS, faults.status(code))
        await world.crawl()
        assert LookState.DENIED is (await world.tag("app", "v1")).look
    assert ["app:v1 MFL101"] == await world.found()


async def test_a_tag_configured_by_name_is_looked_at_though_nothing_can_be_listed(
    world: World,
) -> None:
    world.change(repositories=("app",), tags=("v1", "v9"))
    world.registry.fault(AT_TAGS, faults.status(403))
    world.place("app", WRONG, "v1")
    await world.crawl()
    assert ["app:v1 MFL101"] == await world.found()
    assert ["v1"] == list(await world.tags("app"))


async def test_tags_that_never_were_do_not_vanish(world: World) -> None:
    world.change(tags=("latest",))
    for number in range(30):
        world.place(f"app{number}", GOOD, "latest" if number < 15 else "v1")
    for _ in range(3):
        await world.crawl()
    assert "" == await world.notice()
    assert {} == await world.tags("app20")


async def test_a_new_tag_changes_what_is_said_of_unchanged_ones_without_a_request(
    world: World,
) -> None:
    world.place("app", AMD64, "latest", "v1-amd64")
    for number, built in enumerate(many(2)):
        world.place("app", built, f"v{number}")
    await world.crawl()
    assert ["app:v1-amd64 MFL303"] == await world.found(rules=("MFL303", "MFL402"))
    world.place("app", many(3)[2], "v2")
    world.place("app", ARM64, "v1-arm64")
    await world.crawl()
    expected = ["app:latest MFL402", "app:v1-amd64 MFL303", "app:v1-arm64 MFL303"]
    assert expected == await world.found(rules=("MFL303", "MFL402"))
    assert ["HEAD /v2/app/manifests/latest"] == world.asked(("*", "manifests/latest$"))
    assert ["HEAD /v2/app/manifests/v1-amd64"] == world.asked(("*", "manifests/v1-amd64$"))
    assert 1 == len(world.asked(("GET", "/manifests/v2$")))


async def test_an_index_that_comes_to_list_a_tags_digest_eases_what_is_said_of_it(
    world: World,
) -> None:
    platforms = (AMD64, ARM64)
    world.place("app", AMD64, "build-amd64")
    world.place("app", index(image("linux", "amd64", name="x"), ARM64), "release")
    await world.crawl()
    assert ["build-amd64 MFL303 opened"] == await world.changes()
    world.place("app", index(*platforms), "release")
    await world.crawl()
    assert ["build-amd64 MFL303 opened", "build-amd64 MFL303 eased"] == await world.changes()


async def test_a_large_repository_is_judged_as_a_small_one(world: World) -> None:
    placed = [(GOOD, "latest"), (WRONG, "v1"), (AMD64, "v2-amd64"), (ARM64, "v2-arm64")]
    placed += [(built, f"w{number}") for number, built in enumerate(many(3))]
    single = image("linux", "amd64", name="alone")
    placed.append((single, "by-hand"))
    dangling = image("linux", "arm64", name="dangling")
    placed.append((index(AMD64, dangling), "zz"))
    for repository, filler in (("small", 0), ("large", 230)):
        for built, tag in placed:
            world.place(repository, built, tag)
        for number in range(filler):
            world.place(repository, GOOD, f"filler{number:03}")
        world.registry.demo.delete_manifest(repository, dangling.digest)
    world.place("small", GOOD, "filler000")
    await world.crawl()
    small = [one.partition(":")[2] for one in await world.found() if one.startswith("small:")]
    large = [one.partition(":")[2] for one in await world.found() if one.startswith("large:")]
    assert 5 == len(small)
    assert small == large
    await world.crawl()
    assert [] == world.asked(DOCUMENTS)
    assert 10 + 239 == len(world.asked(HEADS))


async def test_bytes_that_are_not_those_of_the_tags_digest_open_one_finding_and_keep_the_rest(
    world: World,
) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    before = await world.tag("app", "v1")
    world.place("app", GOOD, "v1")
    world.registry.fault(("GET", "/app/manifests/(v1|" + str(GOOD.digest) + ")"), faults.flipped(9))
    await world.crawl()
    assert ["app:v1 MFL101", "app:v1 MFL203"] == await world.found()
    after = await world.tag("app", "v1")
    assert (before.digest, before.moved_at, before.summary) == (
        after.digest,
        after.moved_at,
        after.summary,
    )
    assert LookState.INVALID is after.look
    assert str(GOOD.digest) not in await world.documents()
    world.registry.heal()
    await world.crawl()
    assert [] == await world.found()


async def test_a_job_whose_worker_was_killed_goes_on_with_the_tags_that_nobody_looked_at(
    either_world: World,
) -> None:
    world = either_world
    world.place("app", WRONG, *(f"v{number}" for number in range(5)))
    await world.crawl()
    world.clock.seconds += DAY_S
    job = replace(world.job(), resume_since=world.clock.now())
    await world.look("app", "v0", "v3")
    crawl_id = await crawls.start_crawl(world.store, NAME, world.clock.now())
    world.registry.requests.clear()
    result = await crawl_repository(job, crawl_id, "app")
    assert result is not None
    assert (5, 5) == (result.tags, result.looked)
    assert [f"HEAD /v2/app/manifests/v{n}" for n in (1, 2, 4)] == sorted(
        one for one in world.asked(HEADS) if "sha256" not in one
    )
    assert len(await world.transitions()) == 5


async def test_a_job_whose_worker_was_killed_says_what_that_one_could_not_look_at(
    world: World,
) -> None:
    world.place("app", GOOD, "v1", "v2")
    await world.crawl()
    world.clock.seconds += DAY_S
    job = replace(world.job(), resume_since=world.clock.now())
    world.registry.fault(("GET|HEAD", "/manifests/v1"), faults.status(403))
    assert await world.look("app", "v1") is not None
    world.registry.heal()
    crawl_id = await crawls.start_crawl(world.store, NAME, world.clock.now())
    result = await crawl_repository(job, crawl_id, "app")
    assert result is not None
    assert (2, 1) == (result.tags, result.looked)
    assert result.detail == (await world.tag("app", "v1")).detail != ""
