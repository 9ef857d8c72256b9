"""What `docker manifest create` and `annotate` do, row by row, and what ours do in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mfl_lint.core.platform import KNOWN_PAIRS
from tests import faults
from tests.builders import DOCKER, image, index
from tests.cli.manifest_world import AMD64, ARM64, LIST, S390X, World
from tests.fault_registry import AT_INDEX, AT_MANIFEST

Row = Callable[[World], None]
ROWS: Final[dict[str, Row]] = {}
CORPUS: Final = Path(__file__).parent.parent / "corpus" / "docker_manifest_semantics.json"
SEMANTICS: Final[dict[str, Any]] = json.loads(CORPUS.read_text())


def row(*names: str) -> Callable[[Row], Row]:
    """Register what shows a row, by the section and the beginning of its text."""

    def add(check: Row) -> Row:
        for name in names:
            assert name not in ROWS, name
            ROWS[name] = check
        return check

    return add


def refuses(world: World, says: str, *arguments: str, code: int = 2) -> None:
    """Demand that a command ends so and says so, in one line."""
    ran = world(*arguments)
    assert code == ran.code, ran.err
    assert says in ran.err
    assert 1 == len(ran.err.splitlines())


@row("references: normalising")
def _(world: World) -> None:
    world.place("app:latest", AMD64)
    world.place("other:latest", ARM64)
    world.good("create", "@multi", "@app", f"@other@{ARM64.digest}")
    assert ["multi:latest"] == world.drafts()


@row("references: note")
def _(world: World) -> None:
    world.parts()
    named = f"@multi:v1@{AMD64.digest}"
    world.good("create", named, "@app-amd64:v1", "@app-arm64:v1")
    pushed = world.good("push", named).out.strip()
    assert world.registry.demo.manifest("multi", pushed)
    assert None is world.digest(LIST)


@row("local_store: root", "local_store: layout", "local_store: example", "local_store: compat")
def _(world: World) -> None:
    """Drafts lie in our own state folder, and Docker's is neither read nor written."""
    world.made()
    assert 1 == len(list((world.state / "drafts").glob("*.json")))
    assert not (world.state.parents[2] / ".docker").exists()


@row("local_store: file_mode")
def _(world: World) -> None:
    """Nobody else may read them."""
    world.made()
    folder = world.state / "drafts"
    assert {0o600} == {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert 0o700 == folder.stat().st_mode & 0o777


@row("local_store: file_json_keys")
def _(world: World) -> None:
    world.made()
    (path,) = (world.state / "drafts").glob("*.json")
    member = json.loads(path.read_bytes())["members"][0]
    assert {"name", "entry", "source", "raw"} == set(member)


@row("local_store: collisions")
def _(world: World) -> None:
    """Names never collide."""
    world.parts()
    for name in ("@a/b:c", "@a_b-c:c", "@a-b_c:c"):
        world.good("create", name, "@app-amd64:v1", "@app-arm64:v1")
    assert ["a-b_c:c", "a/b:c", "a_b-c:c"] == world.drafts()


@row("local_store: list_order")
def _(world: World) -> None:
    """The order that was given, not that of file names."""
    world.made("@app-arm64:v1", "@app-amd64:v1")
    assert ["arm64", "amd64"] == [one["architecture"] for one in world.platforms()]


@row("create: usage", "create: output")
def _(world: World) -> None:
    world.parts()
    ran = world("create", f"@{LIST}", "@app-amd64:v1")
    assert (0, f"Created manifest list {world.host}/{LIST}\n", "") == ran


@row("create: -a, --amend")
def _(world: World) -> None:
    world.made("@app-amd64:v1")
    world.good("create", "-a", f"@{LIST}", "@app-arm64:v1")
    world.good("create", "--amend", f"@{LIST}", "@app-arm:v1")
    assert ["amd64", "arm64", "arm"] == [one["architecture"] for one in world.platforms()]


@row("create: --insecure", "push: --insecure", "inspect: --insecure")
def _(world: World) -> None:
    world.parts()
    setting = (
        f"[[registry]]\nname = 'r'\nhost = '{world.host}'\nscheme = 'https'\n[http]\nretries = 0\n"
    )
    (world.state.parents[2] / "mfl-lint.toml").write_text(setting)
    refuses(world, "could be agreed", "create", f"@{LIST}", "@app-amd64:v1", code=3)
    world.good("create", "--insecure", f"@{LIST}", "@app-amd64:v1")
    assert 3 == world("push", f"@{LIST}").code
    world.good("push", "--insecure", f"@{LIST}")
    world.good("inspect", "--insecure", "@app-amd64:v1")


@row("create: needs the registry, never the daemon")
def _(world: World) -> None:
    world.made()
    assert world.registry.count("GET", AT_MANIFEST[1])


@row("create: a child already saved under the same list name is reused from disk")
def _(world: World) -> None:
    world.made()
    world.registry.requests.clear()
    world.good("create", "--amend", f"@{LIST}", "@app-amd64:v1")
    assert 0 == world.registry.count()


@row("create: child platform is read from the image CONFIG blob")
def _(world: World) -> None:
    built = image("windows", "amd64", os_version="10.0.20348.1", flavour=DOCKER)
    world.place("win:v1", built)
    world.place("arm:v1", image("linux", "arm", "v6", flavour=DOCKER))
    world.good("create", f"@{LIST}", "@win:v1", "@arm:v1")
    expected = [
        {"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.1"},
        {"architecture": "arm", "os": "linux", "variant": "v6"},
    ]
    assert expected == world.platforms()


@row("create: children that are lists are refused", "create: child is a list")
def _(world: World) -> None:
    world.place("list:v1", index(AMD64, ARM64, flavour=DOCKER))
    says = f"{world.host}/list:v1 is a manifest list: --flatten takes its entries"
    refuses(world, says, "create", f"@{LIST}", "@list:v1")
    world.good("create", "--flatten", f"@{LIST}", "@list:v1")
    assert ["amd64", "arm64"] == [one["architecture"] for one in world.platforms()]


@row("create: children given twice by the same reference collapse into one file")
def _(world: World) -> None:
    by_digest = f"@app-amd64@{AMD64.digest}"
    world.made("@app-amd64:v1", "@app-amd64:v1", by_digest)
    digests = [entry["digest"] for entry in world.shown(f"@{LIST}")["manifests"]]
    assert [AMD64.digest, AMD64.digest] == digests


@row("create: children are saved one after the other: when a later one fails")
def _(world: World) -> None:
    """All or nothing."""
    world.parts()
    assert 3 == world("create", f"@{LIST}", "@app-amd64:v1", "@nosuch:v1").code
    assert [] == world.drafts()
    world.good("create", f"@{LIST}", "@app-amd64:v1")


@row("create: --amend with a new platform for the same child")
def _(world: World) -> None:
    world.made()
    world.good("annotate", f"@{LIST}", "@app-arm64:v1", "--os-version", "1")
    world.place("app-arm64:v1", S390X)
    world.good("create", "--amend", f"@{LIST}", "@app-arm64:v1")
    expected = {"architecture": "arm64", "os": "linux", "os.version": "1"}
    assert expected == world.platforms()[1]


@row("create: no check for duplicate platforms")
def _(world: World) -> None:
    """Found before the push, which is refused unless it is forced."""
    world.place("other:v1", image("linux", "amd64", name="other", flavour=DOCKER))
    world.made("@app-amd64:v1", "@other:v1")
    ran = world("push", f"@{LIST}")
    assert 1 == ran.code
    assert "error MFL105" in ran.err
    assert None is world.digest(LIST)
    world.good("push", "--force", f"@{LIST}")
    journal = (world.state / "pushes.jsonl").read_text()
    assert "MFL105" in json.loads(journal.splitlines()[0])["forced"][0]


@row(
    "create: different registry host for child and list is accepted at create",
    "push: other registry host",
    "inspect: list from another registry host",
)
def _(world: World) -> None:
    """Refused with the way to allow it; shown all the same."""
    world.parts()
    elsewhere = f"localhost:{world.host.rpartition(':')[2]}/multi:v1"
    world.good("create", elsewhere, "@app-amd64:v1", "@app-arm64:v1")
    assert 2 == len(world.shown(elsewhere)["manifests"])
    ran = world("push", elsewhere)
    assert 1 == ran.code
    assert "lies in another registry than localhost" in ran.err
    assert "--copy" in ran.err
    world.good("push", "--copy", elsewhere)
    assert world.stored(LIST)


@row("create: fewer than 2 arguments", "upstream: TestManifestCreateErrors ['too-few-arguments']")
def _(world: World) -> None:
    refuses(world, "manifest create' requires at least 2 arguments", "create", "too-few-arguments")


@row("create: bad list name", 'upstream: TestManifestCreateErrors ["th!si\'sa/fa!ke/li$t/name"')
def _(world: World) -> None:
    for bad in ("@Upper:v1", "th!si'sa/fa!ke/li$t/name"):
        says = "error parsing name for manifest list"
        refuses(world, says, "create", bad, "example.com/alpine:3.0")
        refuses(world, "invalid reference format", "create", bad, "example.com/alpine:3.0")


@row("create: bad child name")
def _(world: World) -> None:
    refuses(world, "invalid reference format", "create", f"@{LIST}", "@Bad:v1")
    refuses(world, "must be lower case", "create", f"@{LIST}", "@Bad:v1")


@row(
    "create: list exists locally and no --amend",
    "upstream: TestManifestCreateRefuseAmend",
)
def _(world: World) -> None:
    world.made()
    says = "refusing to amend an existing manifest list with no --amend flag"
    refuses(world, says, "create", f"@{LIST}", "@app-arm:v1")


@row("create: child not found, repository unknown", "upstream: TestManifestCreateNoManifest")
def _(world: World) -> None:
    """The registry's own answer follows; who is denied is not told that nothing is there."""
    world.place("app:v1", AMD64)
    for name in ("nosuch:v1", "app:v2"):
        says = f"no such manifest: {world.host}/{name}"
        refuses(world, says, "create", f"@{LIST}", f"@{name}", code=3)
    world.registry.fault(AT_INDEX, faults.status(401))
    refuses(world, f"{world.host}/app:v1: ", "create", f"@{LIST}", "@app:v1", code=3)


@row("create: registry with Basic auth and no credentials")
def _(world: World) -> None:
    world.place("app:v1", AMD64)
    headers = {"WWW-Authenticate": 'Basic realm="r"'}
    world.registry.fault(AT_INDEX, faults.status(401, headers=headers))
    refuses(world, "401", "create", f"@{LIST}", "@app:v1", code=3)


@row("create: registry unreachable")
def _(world: World) -> None:
    refuses(world, "connection refused", "create", f"@{LIST}", "127.0.0.1:1/app:v1", code=3)


@row("annotate: usage", "annotate: --arch", "annotate: --os", "annotate: --os-version")
def _(world: World) -> None:
    world.made()
    flags = ("--os", "freebsd", "--arch", "arm64", "--os-version", "14")
    world.good("annotate", *flags, f"@{LIST}", "@app-arm64:v1")
    expected = {"architecture": "arm64", "os": "freebsd", "os.version": "14"}
    assert expected == world.platforms()[1]


@row("annotate: --os-features")
def _(world: World) -> None:
    """They can be cleared, too."""
    world.made()
    for flags in (("--os-features", "b,a"), ("--os-features", "a", "--os-features", "c")):
        world.good("annotate", f"@{LIST}", "@app-arm64:v1", *flags)
    assert ["b", "a", "c"] == world.platforms()[1]["os.features"]
    world.good("annotate", f"@{LIST}", "@app-arm64:v1", "--os-features", "")
    assert "os.features" not in world.platforms()[1]


@row("annotate: --variant")
def _(world: World) -> None:
    """An empty text takes it away; only variants that the architecture has are taken."""
    world.made("@app-arm:v1", "@app-arm64:v1")
    world.good("annotate", f"@{LIST}", "@app-arm:v1", "--variant", "")
    assert {"architecture": "arm", "os": "linux"} == world.platforms()[0]
    world.good("annotate", f"@{LIST}", "@app-arm:v1", "--variant", "v6")
    assert "v6" == world.platforms()[0]["variant"]
    says = "linux/arm has no variant 'v77'; it has: v5, v6, v7, v8"
    refuses(world, says, "annotate", f"@{LIST}", "@app-arm:v1", "--variant", "v77")


@row("annotate: works on the local file only, no registry call")
def _(world: World) -> None:
    world.made()
    world.registry.requests.clear()
    world.good("annotate", f"@{LIST}", "@app-arm64:v1", "--os", "linux")
    assert 0 == world.registry.count()


@row("annotate: only given flags change")
def _(world: World) -> None:
    world.made("@app-arm:v1", "@app-arm64:v1")
    world.good("annotate", f"@{LIST}", "@app-arm:v1", "--os-version", "1")
    expected = {"architecture": "arm", "os": "linux", "os.version": "1", "variant": "v7"}
    assert expected == world.platforms()[0]


@row("annotate: after the change os/arch must be in the fixed list below")
def _(world: World) -> None:
    """In Go's own list."""
    world.place("odd:v1", image("linux", "toaster", flavour=DOCKER))
    world.made("@odd:v1", "@app-arm64:v1")
    says = "unsupported os/arch combination: linux/toaster"
    refuses(world, says, "annotate", f"@{LIST}", "@odd:v1", "--os-version", "1")


@row("annotate: does not compare with the image config")
def _(world: World) -> None:
    """Found before the push."""
    world.made()
    world.good("annotate", f"@{LIST}", "@app-arm64:v1", "--arch", "s390x")
    ran = world("push", f"@{LIST}")
    assert 1 == ran.code
    assert "error MFL101" in ran.err
    assert None is world.digest(LIST)


@row("annotate: valid_os_arch")
def _(world: World) -> None:
    """All of these but one that Go does not have any more."""
    pairs = _table("valid_os_arch")
    world.made()
    gone = {"darwin/386", "darwin/arm"}
    for pair in pairs:
        os, _, arch = pair.partition("/")
        ran = world("annotate", f"@{LIST}", "@app-arm64:v1", "--os", os, "--arch", arch)
        assert (2 if pair in gone else 0) == ran.code, pair


@row("annotate: not_valid_although_real")
def _(world: World) -> None:
    """Taken where Go builds for them."""
    world.made()
    for pair in _table("not_valid_although_real"):
        os, _, arch = pair.partition("/")
        ran = world("annotate", f"@{LIST}", "@app-arm64:v1", "--os", os, "--arch", arch)
        built = (os, arch) in KNOWN_PAIRS
        assert (0 if built else 2) == ran.code, pair


@row("annotate: argument count", "upstream: TestManifestAnnotateError ['too-few-arguments']")
def _(world: World) -> None:
    refuses(world, "manifest annotate' requires 2 arguments", "annotate", "too-few-arguments")


@row(
    "annotate: bad list name",
    'upstream: TestManifestAnnotateError ["th!si\'sa/fa!ke/li$t/name"',
)
def _(world: World) -> None:
    says = "error parsing name for manifest list"
    refuses(world, says, "annotate", "th!si'sa/fa!ke/li$t/name", "example.com/alpine:3.0")


@row(
    "annotate: bad child name",
    "upstream: TestManifestAnnotateError ['example.com/list:v1', \"th!si'sa/fa!ke/im@ge/nam32\"]",
)
def _(world: World) -> None:
    says = "error parsing name for manifest th!"
    refuses(world, says, "annotate", "example.com/list:v1", "th!si'sa/fa!ke/im@ge/nam32")


@row("annotate: child not in the list, or list unknown")
def _(world: World) -> None:
    says = f"manifest for image {world.host}/nosuch:v1 does not exist in {world.host}/{LIST}"
    refuses(world, says, "annotate", f"@{LIST}", "@nosuch:v1", "--os", "linux")
    world.made()
    refuses(world, says, "annotate", f"@{LIST}", "@nosuch:v1", "--os", "linux")


@row("annotate: os/arch pair not in the list", "upstream: TestManifestAnnotate ")
def _(world: World) -> None:
    """What is meant by known aliases is understood, and said."""
    world.made()
    flags = ("--os", "freebsd", "--arch", "fake", "--os-version", "1", "--os-features", "f")
    says = "manifest entry for image has unsupported os/arch combination: freebsd/fake"
    refuses(world, says, "annotate", f"@{LIST}", "@app-arm64:v1", *flags)
    ran = world("annotate", f"@{LIST}", "@app-arm64:v1", "--arch", "armhf")
    assert (0, "mfl-lint: note: linux/armhf/v7 is written linux/arm/v7\n") == (ran.code, ran.err)
    world.good("annotate", f"@{LIST}", "@app-amd64:v1", "--arch", "x86_64")
    architectures = [one["architecture"] for one in world.platforms()]
    assert ["amd64", "arm"] == architectures
    shown = world.shown("-v", f"@{LIST}", "@app-arm64:v1")
    expected = {"architecture": "arm", "os": "linux", "variant": "v7"}
    assert expected == shown["Descriptor"]["platform"]


def _table(name: str) -> list[str]:
    return [pair for pair in SEMANTICS["annotate"][name] if not pair.endswith("/*")]
