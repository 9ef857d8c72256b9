"""A push is whole or not there, never overwrites what it did not see, and says what it did."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from mfl_lint.config import CredentialsConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import OCI_INDEX, OCI_MANIFEST
from mfl_lint.mend.bringing import Progress
from mfl_lint.mend.outcome import End
from mfl_lint.mend.push import push
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.transport import Transport
from tests import faults, servers, wire_faults
from tests.builders import DOCKER, Built, attestation, image, index, place
from tests.fault_registry import AT_CHILD, AT_INDEX, Exchange, FaultRegistry
from tests.mend.pushing import QUICK, Remembered, plan_for, pushed, tag_of
from tests.token_server import TokenServer

AMD64, ARM64, PPC = (image("linux", arch) for arch in ("amd64", "arm64", "ppc64le"))
LIST = index(AMD64, ARM64)
OLD = index(AMD64, PPC)
OTHER = index(ARM64, PPC)
WRITES = "POST|PUT|PATCH"
PUT_TAG = ("PUT", AT_INDEX[1])
PUT_CHILD = ("PUT", AT_CHILD[1])
GET_TAG = ("GET|HEAD", AT_INDEX[1])
NEW = "repository:new/app:push"
MOUNT = ("POST", r"/uploads/\?mount=")


def filled(registry: FaultRegistry, source: str = "app") -> None:
    """Let the children lie in a repository, and an old list under the tag."""
    place(registry.demo, source, LIST, "children")
    place(registry.demo, "app", OLD, "v1")


async def test_a_list_over_images_of_its_own_repository_is_one_put() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.PUSHED, 1) == (outcome.last.end, outcome.writes)
        assert LIST.digest == tag_of(registry, "app:v1")
        assert 1 == registry.count(WRITES)


async def test_blobs_of_another_repository_are_mounted_and_children_put_before_the_index() -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", LIST, "children")
        outcome = await pushed(plan_for(registry.host, "new/app:v1", LIST, "parts"))
        assert End.PUSHED is outcome.last.end
        assert [] == registry.demo.missing("new/app", LIST.raw)
        assert all(not registry.demo.missing("new/app", one.raw) for one in (AMD64, ARM64))
        puts = [one.path.rpartition("/")[2] for one in registry.matching("PUT")]
        assert [AMD64.digest, ARM64.digest, "v1"] == puts
        assert 0 == registry.count("PATCH")


async def test_what_is_there_already_is_not_brought_again() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        place(registry.demo, "app", AMD64)
        await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert 0 == registry.count("PUT", AMD64.digest)
        assert 1 == registry.count("PUT", ARM64.digest)


async def test_a_mount_that_is_refused_becomes_an_upload() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")

        async def refuse(exchange: Exchange) -> web.StreamResponse:
            url = exchange.request.rel_url.with_query({})
            return await registry.demo._start_upload(exchange.request.clone(rel_url=url))

        refused = registry.fault(MOUNT, refuse)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert End.PUSHED is outcome.last.end
        assert refused.met
        assert all(not registry.demo.missing("app", one.raw) for one in (AMD64, ARM64))


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 501])
async def test_whatever_a_mount_is_refused_with_the_blob_is_uploaded(code: int) -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        refused = registry.fault(MOUNT, faults.status(code))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert End.PUSHED is outcome.last.end
        assert refused.met
        assert all(not registry.demo.missing("app", one.raw) for one in (AMD64, ARM64))


@pytest.mark.parametrize("code", [429, 503])
async def test_a_registry_that_takes_nothing_now_is_not_asked_for_an_upload(code: int) -> None:
    once = HttpConfig(timeout_s=5, retries=0, breaker_failures=1000)
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        registry.fault(MOUNT, faults.status(code))
        plan = plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest)
        outcome = await pushed(plan, http=once)
        assert End.FAILED is outcome.last.end
        assert 0 == registry.count("POST", r"/uploads/$")
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_a_list_that_many_lists_hold_is_asked_for_and_brought_once() -> None:
    inner = index(AMD64)
    twice = [index(inner, ARM64), index(inner, PPC)]
    outer = index(*twice, index(*twice))
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", outer, "children")
        outcome = await pushed(plan_for(registry.host, "app:v1", outer, "parts"))
        assert End.PUSHED is outcome.last.end
        for built in (inner, *twice, AMD64):
            asked = [registry.count("GET", f"/parts/manifests/{built.digest}")]
            asked.append(registry.count("PUT", f"/app/manifests/{built.digest}"))
            assert [1, 1] == asked


UNUSABLE = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "md5:0", "size": 1}


@pytest.mark.parametrize(
    "child",
    [
        index(AMD64, UNUSABLE),
        index(AMD64, UNUSABLE | {"mediaType": OCI_MANIFEST}),
        image(manifest={"layers": [UNUSABLE]}),
        image(manifest={"config": UNUSABLE}),
    ],
)
async def test_what_is_named_without_a_usable_digest_is_found_before_anything_is_written(
    child: Built,
) -> None:
    built = index(ARM64, child)
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", built, "children")
        outcome = await pushed(plan_for(registry.host, "app:v1", built, "parts"))
        assert (End.REFUSED, 0) == (outcome.last.end, outcome.writes)
        assert child.digest in outcome.last.detail
        assert "without a usable digest" in outcome.last.detail
        assert 0 == registry.count(WRITES)


async def test_attestations_and_what_they_name_go_along() -> None:
    built = index(AMD64, ARM64, attestation(AMD64))
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", built, "children")
        outcome = await pushed(plan_for(registry.host, "app:v1", built, "parts"))
        assert outcome.ok
        assert [] == registry.demo.missing("app", built.raw)


async def test_a_tag_that_moved_since_the_plan_is_not_touched() -> None:
    audit = Remembered()
    async with FaultRegistry() as registry:
        filled(registry)
        place(registry.demo, "app", OTHER, "v1")
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest), audit)
        assert (End.MOVED, 0) == (outcome.last.end, outcome.writes)
        assert 0 == registry.count(WRITES)
        assert OTHER.digest == tag_of(registry, "app:v1")
        assert OTHER.digest in outcome.last.detail
        assert [] == audit.intents


async def test_a_tag_that_was_made_since_the_plan_is_not_touched() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app"))
        assert (End.MOVED, 0) == (outcome.last.end, outcome.writes)
        assert "pointed at nothing" in outcome.last.detail


async def test_a_tag_that_moves_while_children_are_brought_is_not_touched() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        registry.fault(PUT_CHILD, faults.after(lambda it: place(it.demo, "app", OTHER, "v1")), 1)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert End.MOVED is outcome.last.end
        assert 0 == registry.count(*PUT_TAG)
        assert OTHER.digest == tag_of(registry, "app:v1")
        assert "" == outcome.last.restore


async def test_the_window_in_which_nothing_guards_the_tag_is_measured() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, faults.delayed(0.05))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert outcome.last.window_s is not None
        assert 0.05 <= outcome.last.window_s < 5
        assert not outcome.last.guarded


async def test_a_registry_that_offers_etags_is_asked_to_refuse_what_moved() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(GET_TAG, faults.changed_headers({"ETag": f'"{OLD.digest}"'}))

        async def moved(exchange: Exchange) -> web.StreamResponse:
            place(registry.demo, "app", OTHER, "v1")
            return await faults.status(412)(exchange)

        registry.fault(PUT_TAG, moved)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        sent = registry.matching(*PUT_TAG)
        assert [f'"{OLD.digest}"'] == [one.headers["if-match"] for one in sent]
        assert End.MOVED is outcome.last.end
        assert OTHER.digest == tag_of(registry, "app:v1")


@pytest.mark.parametrize("source", ["app", "parts"])
@pytest.mark.parametrize("rival", [True, False])
async def test_a_new_tag_is_put_only_where_there_is_none_if_the_registry_offers_etags(
    source: str, rival: bool
) -> None:
    """Whether it does is told by the children: those that were there, or were brought."""
    async with FaultRegistry() as registry:
        place(registry.demo, source, LIST, "children")
        registry.fault(("GET|HEAD", AT_CHILD[1]), faults.changed_headers({"ETag": '"x"'}))

        async def honoured(exchange: Exchange) -> web.StreamResponse:
            if rival:
                place(registry.demo, "app", OTHER, "v1")
            there = tag_of(registry, "app:v1") is not None
            refused = there and exchange.request.headers.get("If-None-Match") == "*"
            return await (faults.status(412)(exchange) if refused else exchange.real())

        registry.fault(PUT_TAG, honoured)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, source))
        (put,) = registry.matching(*PUT_TAG)
        assert ("*", None) == (put.headers["if-none-match"], put.headers.get("if-match"))
        expected = (End.MOVED, OTHER.digest) if rival else (End.PUSHED, LIST.digest)
        assert expected == (outcome.last.end, tag_of(registry, "app:v1"))
        assert rival or outcome.last.guarded


async def test_a_new_tag_is_put_as_ever_where_the_registry_offers_no_etags() -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", LIST, "children")
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts"))
        (put,) = registry.matching(*PUT_TAG)
        assert (End.PUSHED, False) == (outcome.last.end, outcome.last.guarded)
        assert "if-none-match" not in put.headers


async def test_a_registry_that_refuses_a_new_tag_for_no_reason_is_not_called_overtaken() -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "app", LIST, "children")
        registry.fault(("GET|HEAD", AT_CHILD[1]), faults.changed_headers({"ETag": '"x"'}))
        registry.fault(PUT_TAG, faults.status(412))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app"))
        assert (End.REFUSED, None) == (outcome.last.end, tag_of(registry, "app:v1"))
        assert "412" in outcome.last.detail


async def test_somebody_who_pushes_right_after_us_is_noticed() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, faults.after(lambda it: place(it.demo, "app", OTHER, "v1")))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.OVERTAKEN, OTHER.digest) == (outcome.last.end, outcome.last.now)
        assert not outcome.ok
        assert "" == outcome.last.restore


async def test_somebody_who_pushes_while_we_do_is_seen_and_can_be_restored() -> None:
    async with FaultRegistry() as registry:
        filled(registry)

        async def raced(exchange: Exchange) -> web.StreamResponse:
            place(registry.demo, "app", OTHER, "v1")
            await registry.arrived(len(registry.requests) + 1)
            await asyncio.sleep(0.02)
            return await exchange.real()

        registry.fault(PUT_TAG, raced)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        last = outcome.last
        assert (End.OVERWROTE, OTHER.digest, LIST.digest) == (last.end, last.between, last.now)
        assert last.restore.endswith(f"app:v1@{OTHER.digest} --over {LIST.digest}")
        assert not outcome.ok


async def test_a_child_that_is_missing_is_named_and_nothing_is_written() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        registry.demo.delete_manifest("parts", ARM64.digest)
        for source in ("parts", "app"):
            plan = plan_for(registry.host, "app:v1", LIST, source, OLD.digest)
            outcome = await pushed(plan)
            assert (End.REFUSED, 0) == (outcome.last.end, outcome.writes)
            assert ARM64.digest in outcome.last.detail
            assert "MANIFEST_UNKNOWN" in outcome.last.detail
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_a_child_that_is_denied_is_named_and_nothing_is_written() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        registry.fault(("GET", f"/parts/manifests/{ARM64.digest}"), faults.status(403))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert (End.REFUSED, 0) == (outcome.last.end, outcome.writes)
        assert ARM64.digest in outcome.last.detail


async def test_a_blob_that_is_missing_leaves_the_tag_as_it_was() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        registry.demo.delete_blob("parts", digest_of(ARM64.config))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert End.REFUSED is outcome.last.end
        assert 0 == registry.count(*PUT_TAG)
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_a_tag_that_is_immutable_stays() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        for code in (400, 403, 405, 409):
            registry.heal()
            registry.fault(PUT_TAG, faults.status(code))
            outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
            assert End.REFUSED is outcome.last.end
            assert str(code) in outcome.last.detail
            assert "" == outcome.last.restore
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_an_answer_that_never_comes_is_decided_by_a_get() -> None:
    slow = HttpConfig(timeout_s=0.3, layer_timeout_s=0.3, retries=0, breaker_failures=1000)
    async with FaultRegistry() as registry:
        filled(registry)

        async def kept_and_silent(exchange: Exchange) -> web.StreamResponse:
            answer = await exchange.real()
            await asyncio.sleep(1)
            return answer

        registry.fault(PUT_TAG, kept_and_silent, 1)
        plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest)
        outcome = await pushed(plan, http=slow)
        assert End.PUSHED is outcome.last.end
        assert "no whole answer" in outcome.last.detail
        restore = f"mfl-lint manifest restore {registry.host}/app:v1@{OLD.digest}"
        assert f"{restore} --over {LIST.digest}" == outcome.last.restore


async def test_a_registry_s_own_answer_that_nothing_was_kept_is_a_failure() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        for fault in (faults.status(500), faults.status(503)):
            registry.heal()
            registry.fault(PUT_TAG, fault)
            plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest)
            registry.requests.clear()
            outcome = await pushed(plan)
            assert (End.FAILED, OLD.digest) == (outcome.last.end, outcome.last.now)
            assert 1 == registry.count(*PUT_TAG)
            assert "" == outcome.last.restore


async def test_a_connection_that_is_reset_after_the_put_was_taken_is_no_failure() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, wire_faults.reset())
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.PUSHED, LIST.digest) == (outcome.last.end, outcome.last.now)
        assert 1 == registry.count(*PUT_TAG)


async def test_where_nobody_can_look_afterwards_it_is_said_with_the_way_back() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, faults.after(lambda it: it.fault(GET_TAG, faults.status(500))))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert End.UNKNOWN is outcome.last.end
        assert outcome.last.restore.endswith(f"app:v1@{OLD.digest} --over {LIST.digest}")


async def test_another_digest_in_the_answer_is_decided_by_a_get() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, faults.digest_header(OTHER.digest))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.PUSHED, LIST.digest) == (outcome.last.end, outcome.last.now)
        assert OTHER.digest in outcome.last.detail


async def test_what_a_registry_keeps_changed_is_not_called_pushed_and_can_be_put_back() -> None:
    async with FaultRegistry() as registry:
        filled(registry)

        async def rewritten(exchange: Exchange) -> web.StreamResponse:
            changed = LIST.raw + b"\n"
            digest = registry.demo.put_manifest("app", changed, OCI_INDEX, "v1")
            return await faults.status(201, b"", headers={"Docker-Content-Digest": digest})(
                exchange
            )

        registry.fault(PUT_TAG, rewritten)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        kept = digest_of(LIST.raw + b"\n")
        assert (End.REWRITTEN, kept) == (outcome.last.end, outcome.last.now)
        assert not outcome.ok
        assert outcome.last.restore.endswith(f"app:v1@{OLD.digest} --over {kept}")


async def test_further_tags_follow_and_each_has_its_own_way_back() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        place(registry.demo, "app", OTHER, "latest")
        plan = plan_for(
            registry.host, "app:v1", LIST, "app", OLD.digest, further_tags=("v1.0", "latest")
        )
        outcome = await pushed(plan)
        assert [End.PUSHED] * 3 == [tag.end for tag in outcome.tags]
        assert ["v1", "v1.0", "latest"] == [tag.reference.tag for tag in outcome.tags]
        for name in ("app:v1", "app:v1.0", "app:latest"):
            assert LIST.digest == tag_of(registry, name)
        restores = [tag.restore.partition("@")[2] for tag in outcome.tags]
        over = f" --over {LIST.digest}"
        assert [f"{OLD.digest}{over}", "", f"{OTHER.digest}{over}"] == restores


async def test_a_push_by_digest_alone_makes_no_tag() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        outcome = await pushed(plan_for(registry.host, "app", LIST, "app"))
        assert outcome.ok
        stored = registry.demo.manifest("app", LIST.digest)
        assert stored is not None
        assert ["children", "v1"] == registry.demo.tags("app")


async def test_what_the_tag_points_at_already_is_not_put_again() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        place(registry.demo, "app", LIST, "v1")
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", LIST.digest))
        assert (End.UNCHANGED, 0) == (outcome.last.end, outcome.writes)


async def test_the_audit_comes_before_the_first_write_and_knows_what_was_there() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        audit = Remembered(lambda: seen.append(registry.count(WRITES)))
        seen: list[int] = []
        plan = plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest)
        outcome = await pushed(plan, audit)
        assert [0] == seen
        assert {"v1": OLD.digest} == audit.intents[0].before
        assert [outcome] == audit.outcomes


async def test_an_audit_that_cannot_be_written_stops_the_push() -> None:
    def broken() -> None:
        raise OSError("disk full")

    async with FaultRegistry() as registry:
        filled(registry)
        plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest)
        try:
            await pushed(plan, Remembered(broken))
        except OSError:
            assert 0 == registry.count(WRITES)
        else:
            raise AssertionError("pushed")


async def test_another_registry_is_refused_with_the_way_to_allow_it_or_copied() -> None:
    told: list[Progress] = []
    async with FaultRegistry() as there, FaultRegistry() as here:
        place(there.demo, "parts", LIST, "children")
        refused = await pushed(plan_for(here.host, "app:v1", LIST, f"{there.host}/parts"))
        assert (End.REFUSED, 0) == (refused.last.end, refused.writes)
        assert "--copy" in refused.last.detail
        plan = plan_for(here.host, "app:v1", LIST, f"{there.host}/parts", copy=True)
        outcome = await pushed(plan, progress=told.append)
        assert outcome.ok
        assert all(not here.demo.missing("app", one.raw) for one in (LIST, AMD64, ARM64))
        assert {one.digest for one in told if one.done} == {
            digest for built in (AMD64, ARM64) for digest in map(digest_of, built.blobs)
        }


async def test_docker_lists_are_pushed_with_their_own_types() -> None:
    parts = [image("linux", arch, flavour=DOCKER) for arch in ("amd64", "arm64")]
    built = index(*parts, flavour=DOCKER)
    async with FaultRegistry() as registry:
        place(registry.demo, "parts", built, "children")
        await pushed(plan_for(registry.host, "app:v1", built, "parts"))
        stored = [registry.demo.manifest("app", one.digest) for one in (built, *parts)]
        assert [one.media_type for one in (built, *parts)] == [
            one.media_type for one in stored if one
        ]


async def test_a_repository_that_only_its_maker_may_read_can_be_pushed_to() -> None:
    tokens = TokenServer({"ada": "secret"}, anonymous=False)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        grant = tokens.grant_of(request.headers.get("Authorization", "").partition(" ")[2])
        allowed = grant is not None and ("/new/" not in request.path or NEW in grant.scopes)
        if allowed or not request.path.startswith("/v2/"):
            return await handler(request)
        challenge = f'Bearer realm="http://{request.host}/token",scope="repository:new/app:pull"'
        return await faults.status(401, headers={"WWW-Authenticate": challenge})(
            Exchange(registry, request, handler)
        )

    async with FaultRegistry(tokens=tokens, guard=guard) as registry, Transport(QUICK) as http:
        place(registry.demo, "parts", LIST, "children")
        credentials = CredentialsConfig(username="ada", password_env="P")
        settings = RegistryConfig("r", registry.host, credentials=credentials)
        client = RegistryClient(settings, http, keychain=Keychain({"P": "secret"}))
        plan = plan_for(registry.host, "new/app:v1", LIST, "parts")
        outcome = await push(plan, lambda _: client, Remembered())
        assert outcome.ok, outcome
        assert LIST.digest == tag_of(registry, "new/app:v1")


async def test_a_real_registry_that_demands_a_password_is_pushed_to(tmp_path: Path) -> None:
    with servers.DockerRegistry(tmp_path, htpasswd=True) as registry:
        login = registry.credentials
        await servers.push(registry.host, "parts", LIST, "v1", credentials=login)
        user, password = login or ("", "")
        credentials = CredentialsConfig(username=user, password_env="P")
        settings = RegistryConfig("r", registry.host, credentials=credentials)
        async with Transport(QUICK) as http:
            client = RegistryClient(settings, http, keychain=Keychain({"P": password}))
            plan = plan_for(registry.host, "new/app:v1", LIST, "parts")
            outcome = await push(plan, lambda _: client, Remembered())
            assert outcome.ok, outcome
            assert outcome.last.guarded
            assert LIST.digest == (await client.document("new/app", "v1")).digest
        mounts = [status for _, path, status in registry.requests() if "mount=" in path]
        assert {201} == set(mounts) - {401}
