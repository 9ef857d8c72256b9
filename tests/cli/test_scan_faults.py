import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
import unicodedata
from pathlib import Path

import jsonschema
import pytest
from aiohttp import web

from mfl_lint.demo.images import fill
from tests.builders import document, image, index, place, write_layout
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import AT_INDEX, Exchange, FaultRegistry
from tests.faults import delayed, status

SCHEMA = json.loads(Path(__file__, "../../../docs/schema/scan-v1.json").resolve().read_text())
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
FRAGILE = index(AMD64, image("linux", "arm"))


def _rules(text: str) -> set[str]:
    report = json.loads(text)
    jsonschema.validate(report, SCHEMA)
    return {finding["rule"] for finding in report["findings"]}


def test_hostile_layouts_are_refused_at_once(command: Command, tmp_path: Path) -> None:
    for at, name in enumerate(("oci-layout", "index.json")):
        folder = write_layout(tmp_path / f"fifo{at}", {"v1": GOOD})
        (folder / name).unlink()
        os.mkfifo(folder / name)
    linked = write_layout(tmp_path / "linked", {"v1": GOOD})
    (linked / "index.json").unlink()
    (linked / "index.json").symlink_to("/etc/passwd")
    begun = time.monotonic()
    for name in ("fifo0", "fifo1", "linked"):
        ran = command("scan", f"oci:{tmp_path}/{name}")
        assert (3, "") == (ran.code, ran.err)
        assert "root:" not in ran.out
    assert time.monotonic() - begun < 10


def test_hostile_archives_are_refused(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("../../escaped")
        tar.addfile(member)
    os.mkfifo(tmp_path / "fifo.tar")
    assert 3 == command("scan", f"oci-archive:{path}").code
    for target in (tmp_path / "fifo.tar", Path("/dev/zero")):
        ran = command("scan", f"oci-archive:{target}")
        assert (2, f"mfl-lint: error: {target}: it is no regular file\n") == (ran.code, ran.err)
    assert not (tmp_path.parent / "escaped").exists()


HOSTILE = "\x1b[31m\x9b2J\u202e\r\n::set-env name=PATH::x\n##[add-path]/tmp\u2066\x00"


def _hostile_index() -> bytes:
    entry = {
        "mediaType": AMD64.media_type,
        "digest": AMD64.digest,
        "size": len(AMD64.raw),
        "platform": {"os": HOSTILE, "architecture": f"::set-env {HOSTILE}", "variant": HOSTILE},
        "annotations": {"x": HOSTILE},
    }
    wrong = {"schemaVersion": HOSTILE, "mediaType": GOOD.media_type, "manifests": [entry, entry]}
    return json.dumps(wrong).encode()


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("command_name", ["scan", "inspect"])
def test_what_registries_say_is_inert(
    command_name: str, format_: str, served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", document(_hostile_index(), GOOD.media_type), "v1")
    options = {"scan": ["--format", format_], "inspect": ["--json"] * (format_ == "json")}
    ran = command(command_name, f"{served.host}/team/app:v1", *options[command_name])
    assert "set-env" in ran.out
    bad = {c for c in ran.out + ran.err if unicodedata.category(c) in ("Cc", "Cf", "Cs")} - {"\n"}
    assert set() == bad
    lines = ran.out.splitlines()
    assert [] == [line for line in lines if line.strip().startswith("::") or "##[" in line]


def test_an_errors_text_is_inert(served: FaultRegistry, command: Command) -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": HOSTILE}]})
    served.fault(AT_INDEX, status(403, body, headers={"Content-Type": "application/json"}))
    ran = command("scan", f"{served.host}/team/app:v1")
    assert 3 == ran.code
    assert ran.out.replace("\n", "").isprintable()
    assert [] == [line for line in ran.out.splitlines() if line.strip().startswith("::")]


def test_ascii_terminals_get_ascii(served: FaultRegistry, process: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    ran = process("scan", f"{served.host}/team/app:v1", PYTHONIOENCODING="ascii")
    assert (1, "") == (ran.code, ran.err)
    assert ran.out.isascii()


def test_colour_is_for_terminals_only(served: FaultRegistry, process: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    ran = process("scan", f"{served.host}/team/app:v1", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("arguments", [["scan", "--all-tags", "HOST/*"], ["rules"], ["--help"]])
def test_a_reader_that_leaves_ends_the_command_quietly(
    arguments: list[str], served: FaultRegistry
) -> None:
    fill(served.demo)
    asked = [part.replace("HOST", served.host) for part in arguments]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mfl_lint", *asked],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (141, b"") == (done.returncode, done.stderr)


def test_an_interrupt_leaves_no_half_file(served: FaultRegistry, tmp_path: Path) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.fault(AT_INDEX, delayed(60))
    output = tmp_path / "out" / "report.json"
    output.parent.mkdir()
    arguments = ["scan", f"{served.host}/team/app:v1", "--format", "json", "-o", str(output)]
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 20
    while not served.matching("*", "/manifests/") and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (130, b"", b"mfl-lint: interrupted") == (running.returncode, out, err.strip())
    assert [] == list(output.parent.iterdir())


def test_a_full_device_is_2_and_one_line(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", f"{served.host}/team/app:v1", "-o", "/dev/full")
    assert (2, "", "mfl-lint: error: -o /dev/full: No space left on device\n") == ran
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_report_goes_to_a_file(served: FaultRegistry, command: Command, tmp_path: Path) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    path = tmp_path / "report.json"
    ran = command("scan", f"{served.host}/team/app:v1", "--format", "json", "-o", str(path))
    assert (1, "", "") == ran
    assert {"MFL101"} == _rules(path.read_text())


@pytest.mark.parametrize("format_", ["text", "json"])
def test_secrets_appear_nowhere(
    format_: str, served: FaultRegistry, process: Command, tmp_path: Path
) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'{QUICK}[[registry]]\nname = "team"\nhost = "{served.host}"\n'
        '[registry.credentials]\nusername = "me"\npassword_env = "TEAM_PASSWORD"\n'
    )
    served.fault(AT_INDEX, status(401, headers={"WWW-Authenticate": 'Basic realm="x"'}), times=1)

    async def echo(exchange: Exchange) -> web.StreamResponse:
        said = f"{dict(exchange.request.headers)} hunter2secret"
        return web.json_response({"errors": [{"code": "DENIED", "message": said}]}, status=403)

    served.fault(AT_INDEX, echo)
    ran = process(
        *("scan", f"{served.host}/team/app:v1", "--config", str(settings)),
        *("--format", format_, "--debug"),
        TEAM_PASSWORD="hunter2secret",
    )
    assert 3 == ran.code
    assert any("authorization" in one.headers for one in served.requests)
    for secret in ("hunter2secret", "bWU6aHVudGVyMnNlY3JldA"):
        assert secret not in ran.out + ran.err
