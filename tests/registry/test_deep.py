"""Looking inside images: which layers are read, how often, and what becomes of failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import msgspec
import pytest

from mfl_lint.config import CredentialsConfig, DeepConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.inside import Inside, Started, started
from mfl_lint.core.observation import Node, Observation
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Outcome, Siblings
from mfl_lint.lint import judge
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.observe import observe
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from tests import faults, wire_faults
from tests.builders import LOOKED_AT, BuiltImage, Layer, image, index, place
from tests.fault_registry import Behaviour, FaultRegistry
from tests.programs import elf, exe, file, link, packed, tar
from tests.stub_server import transport

MUSL = "/lib/ld-musl-x86_64.so.1"


def layer(*files: tuple[str, bytes | str | None, int], packing: str = "gzip") -> Layer:
    raw = packed(tar(*files), packing)
    return Layer(raw, digest_of(raw))


BASE = layer(exe(MUSL[1:], elf("amd64")), exe("bin/sh", elf("amd64", loader=MUSL)))
MIDDLE = layer(file("etc/passwd", b"root"))
# So large that it is not taken for an empty one.
TOP = layer(exe("app/hello", elf("amd64")), packing="plain")
STATIC = image("linux", "amd64", layers=[BASE, MIDDLE, TOP])


class Eyes:
    """Looks at a registry and inside its images, as one run does."""

    def __init__(self, registry: FaultRegistry, http: Transport, **settings: int) -> None:
        self.registry = registry
        self.config = RegistryConfig(
            "here", registry.host, credentials=CredentialsConfig(anonymous=True)
        )
        self.client = RegistryClient(self.config, http)
        self.reader = DeepReader(RunMemory(), DeepConfig(**settings))

    async def look(self, repository: str = "app", tag: str = "v1") -> Observation:
        reference = Reference(self.registry.host, repository, tag)
        seen = await observe(self.client, "here", reference, now=lambda: LOOKED_AT)
        assert isinstance(seen, Observation)
        return await self.reader.look(self.client, seen)

    async def run(self, tag: str = "v1") -> Started:
        """Return what the lone image of a tag starts."""
        root = (await self.look(tag=tag)).root
        assert root is not None
        assert root.config is not None
        return started(inside_of(root), root.config)

    def fetched(self) -> list[str]:
        """Return the digests of the layers that were asked for, in order."""
        return [x.path.rpartition("/")[2] for x in self.registry.matching("GET", "/blobs/")]

    def layers(self) -> list[str]:
        """Return the same without configs."""
        known = {digest_of(x.raw) for x in (BASE, MIDDLE, TOP)}
        return [digest for digest in self.fetched() if digest in known]


def inside_of(node: Node) -> Inside:
    assert node.inside is not None
    return node.inside


def at(digest: str) -> tuple[str, str]:
    return "GET", f"/blobs/{digest}"


@pytest.fixture
async def eyes(fault_registry: FaultRegistry) -> AsyncIterator[Eyes]:
    async with transport(http=HttpConfig(timeout_s=5.0, retries=1)) as http:
        yield Eyes(fault_registry, http)


def outcomes(seen: Observation) -> dict[str, Outcome]:
    """Return how the rules about layers end."""
    rules = [rule for rule in discover() if rule.id in ("MFL601", "MFL602", "MFL605")]
    told = judge(seen, rules, Policy(), Siblings())
    return {verdict.rule: verdict.outcome for verdict in told.verdicts}


async def test_a_program_in_the_uppermost_layer_takes_one_layer(eyes: Eyes) -> None:
    place(eyes.registry.demo, "app", STATIC, "v1")
    run = await eyes.run()
    assert ["/app/hello"] == [proof.path for proof in run.programs]
    assert [digest_of(TOP.raw)] == eyes.layers()
    assert (1, len(TOP.raw)) == (eyes.reader.layers, eyes.reader.received_bytes)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
async def test_a_script_leads_down_to_its_interpreter_and_loader(eyes: Eyes, packing: str) -> None:
    script = layer(exe("app/hello", b"#!/bin/sh\necho hello\n"), packing=packing)
    place(eyes.registry.demo, "app", image(layers=[BASE, MIDDLE, script]), "v1")
    run = await eyes.run()
    assert ("/app/hello", "/bin/sh") == run.chain
    assert ["/bin/sh", MUSL] == [proof.path for proof in run.proofs]
    assert [digest_of(x.raw) for x in (MIDDLE, BASE)] == eyes.layers()


async def test_each_layer_is_read_once_in_a_run(eyes: Eyes) -> None:
    scripts = [layer(exe("app/hello", f"#!/bin/sh\n# {n}\n".encode())) for n in range(4)]
    for number, script in enumerate(scripts):
        place(eyes.registry.demo, "app", image(layers=[BASE, script]), f"v{number}")
    seen = await asyncio.gather(*(eyes.look(tag=f"v{number}") for number in range(4)))
    assert [digest_of(BASE.raw)] == eyes.layers()
    assert [{"MFL601": "pass", "MFL602": "not-applicable", "MFL605": "pass"}] * 4 == [
        {rule: str(end) for rule, end in outcomes(one).items()} for one in seen
    ]


async def test_no_more_than_two_layers_of_a_host_are_read_at_once(eyes: Eyes) -> None:
    held, started_at_once = asyncio.Event(), 0
    programs = [layer(exe("app/hello", elf("amd64", padding=number))) for number in range(6)]
    for number, program in enumerate(programs):
        place(eyes.registry.demo, "app", image(layers=[program]), f"v{number}")
        eyes.registry.fault(at(digest_of(program.raw)), faults.held(held))
    looks = asyncio.gather(*(eyes.look(tag=f"v{number}") for number in range(6)))
    wanted = {digest_of(program.raw) for program in programs}
    while started_at_once < 2:
        await eyes.registry.arrived(len(eyes.registry.requests) + 1)
        started_at_once = len(wanted.intersection(eyes.fetched()))
    assert 2 == started_at_once
    held.set()
    assert 6 == len(await looks)
    assert wanted <= set(eyes.fetched())


FAILURES: list[tuple[Behaviour, str]] = [
    (faults.status(404), "404"),
    (faults.status(403), "403"),
    (faults.status(500), "500"),
    (faults.flipped(20), "the bytes are|damaged|cut|it is no tar"),
    (wire_faults.cut("length"), "cut off"),
    (wire_faults.silent(), "answer|nothing came"),
    (wire_faults.hung_up(), "closed"),
]


@pytest.mark.parametrize(("behaviour", "words"), FAILURES)
async def test_a_failure_to_read_is_unknown_and_never_a_finding(
    fault_registry: FaultRegistry, behaviour: Behaviour, words: str
) -> None:
    wrong = image("linux", "arm64", layers=[TOP])
    place(fault_registry.demo, "app", index(wrong, STATIC), "v1")
    fault_registry.fault(at(digest_of(TOP.raw)), behaviour)
    async with transport(http=HttpConfig(timeout_s=0.5, retries=1)) as http:
        eyes = Eyes(fault_registry, http)
        seen = await eyes.look()
        asked = len(eyes.layers())
        again = await eyes.look()
    assert {Outcome.UNKNOWN} == set(outcomes(seen).values())
    assert seen.complete
    assert seen.root is not None
    problems = [inside_of(node).problems[digest_of(TOP.raw)] for node in seen.root.children]
    assert 1 == len(set(problems))
    assert any(word in problems[0] for word in words.split("|")), problems[0]
    assert asked == len(eyes.layers()), "it was tried again in the same run"
    assert outcomes(seen) == outcomes(again)


async def test_bytes_that_are_not_the_layers_prove_nothing(eyes: Eyes) -> None:
    right, wrong = layer(exe("app/hello", elf("arm64"))), TOP
    place(eyes.registry.demo, "app", image("linux", "arm64", layers=[right]), "v1")
    eyes.registry.fault(at(digest_of(right.raw)), faults.changed_body(lambda _: wrong.raw))
    seen = await eyes.look()
    assert Outcome.UNKNOWN is outcomes(seen)["MFL601"]


async def test_a_foreign_layer_is_never_asked_for(eyes: Eyes) -> None:
    built = image("windows", "amd64", os_version="10.0.20348.1", layers=[TOP])
    fields = msgspec.json.decode(built.raw)
    fields["layers"][0]["urls"] = [f"{eyes.registry.url}/v2/app/blobs/{digest_of(TOP.raw)}"]
    foreign = msgspec.structs.replace(built, raw=msgspec.json.encode(fields))
    place(eyes.registry.demo, "app", foreign, "v1")
    run = await eyes.run()
    assert "foreign" in run.unknown
    assert [] == eyes.layers()


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.example.model", "application/vnd.oci.image.layer.v1.tar+encrypted"],
)
async def test_what_is_no_layer_that_can_be_read_is_passed_over(
    eyes: Eyes, media_type: str
) -> None:
    fields = msgspec.json.decode(STATIC.raw)
    fields["layers"][2]["mediaType"] = media_type
    other = msgspec.structs.replace(STATIC, raw=msgspec.json.encode(fields))
    place(eyes.registry.demo, "app", other, "v1")
    run = await eyes.run()
    assert run.unknown
    assert digest_of(TOP.raw) not in eyes.layers() or "encrypted" in run.unknown


async def test_a_layer_that_says_it_is_too_large_is_not_fetched(
    fault_registry: FaultRegistry,
) -> None:
    fields = msgspec.json.decode(STATIC.raw)
    fields["layers"][2]["size"] = 2 << 20
    other = msgspec.structs.replace(STATIC, raw=msgspec.json.encode(fields))
    place(fault_registry.demo, "app", other, "v1")
    async with transport() as http:
        eyes = Eyes(fault_registry, http, layer_mib=1)
        assert "not fetched, more than 1048576" in (await eyes.run()).unknown
    assert [] == eyes.layers()


async def test_a_layer_that_unpacks_to_too_much_is_given_up_early(
    fault_registry: FaultRegistry,
) -> None:
    bomb = layer(file("zeros", bytes(64 << 20)))
    place(fault_registry.demo, "app", image(layers=[bomb]), "v1")
    async with transport() as http:
        eyes = Eyes(fault_registry, http, unpacked_mib=1)
        assert "unpacks to more than 1048576 bytes" in (await eyes.run()).unknown
        assert eyes.reader.received_bytes <= len(bomb.raw)


async def test_layers_with_too_many_files_are_read_again_for_what_is_looked_for(
    eyes: Eyes,
) -> None:
    many = [exe(f"usr/lib/p{number}", b"#!/bin/sh\n") for number in range(21_000)]
    full = layer(link("app", "srv/app"), *many, exe("srv/app/hello", elf("amd64", loader=MUSL)))
    place(eyes.registry.demo, "app", image(layers=[BASE, full]), "v1")
    run = await eyes.run()
    assert (["/srv/app/hello", MUSL], "") == ([proof.path for proof in run.proofs], run.unknown)
    asked = eyes.fetched().count(digest_of(full.raw))
    assert 2 <= asked <= 4


async def test_layers_that_architectures_share_are_read_too(eyes: Eyes) -> None:
    shared = layer(exe("opt/tool", elf("amd64")), packing="plain")
    built = [
        image("linux", one, layers=[shared, layer(exe("app/hello", elf(one)))])
        for one in ("amd64", "arm64")
    ]
    place(eyes.registry.demo, "app", index(*built), "v1")
    seen = await eyes.look()
    assert 1 == eyes.fetched().count(digest_of(shared.raw))
    assert (Outcome.PASS, Outcome.FAIL) == (outcomes(seen)["MFL601"], outcomes(seen)["MFL602"])


async def test_an_image_that_was_not_seen_is_unknown_inside(eyes: Eyes) -> None:
    other: BuiltImage = image("linux", "arm64", layers=[layer(exe("app/hello", elf("arm64")))])
    place(eyes.registry.demo, "app", index(STATIC, other), "v1")
    eyes.registry.fault(("*", f"/manifests/{other.digest}"), faults.status(403))
    seen = await eyes.look()
    assert Outcome.UNKNOWN is outcomes(seen)["MFL601"]


async def test_a_look_that_is_broken_off_leaves_no_thread_behind(eyes: Eyes) -> None:
    place(eyes.registry.demo, "app", STATIC, "v1")
    digest: Digest = digest_of(TOP.raw)
    eyes.registry.fault(at(digest), wire_faults.silent())
    look = asyncio.create_task(eyes.look())
    while digest not in eyes.fetched():
        await eyes.registry.arrived(len(eyes.registry.requests) + 1)
    look.cancel()
    await asyncio.wait([look])
    names = [thread.name for thread in threading.enumerate()]
    assert [] == [name for name in names if name.startswith("mfl-lint-layer")]
