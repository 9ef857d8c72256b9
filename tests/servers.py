"""Real servers for the tests: Debian's docker-registry, and how to fill it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import aiohttp

from mfl_lint.core.digest import digest_of
from mfl_lint.demo.build import Built

REGISTRY_BINARY: Final = "/usr/bin/docker-registry"
HTPASSWD_USER: Final = "reader"
HTPASSWD_PASSWORD: Final = "open sesame"
# bcrypt of the password: docker-registry takes nothing else.
_HTPASSWD: Final = "reader:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"
_START_S: Final = 20.0
_PORTS: Final = count(os.getpid())


def free_port() -> int:
    """Return a loopback port that was free just now.

    Each process that runs tests has ports of its own, below those that the system hands out: nobody
    else takes one between here and whoever listens there.
    """
    first = 10_000 + 2_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = first + next(_PORTS) % 2_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path
) -> None:
    """Return when the server answers; fail with its log where it does not."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        if ready():
            return
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{process.args!r} does not answer: {tail}")


def stop_process(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a process with a signal, and by force where that is not enough."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class DockerRegistry:
    """A running docker-registry; its storage and its port stay over `stop` and `start`.

    `access_log` is the file with what it says of every request (JSON lines). `notify` is the
    address that it tells of pushes and deletions, and the secret that goes with it.
    """

    def __init__(
        self, folder: Path, *, htpasswd: bool = False, notify: tuple[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.access_log = folder / "access.log"
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.credentials = (HTPASSWD_USER, HTPASSWD_PASSWORD) if htpasswd else None
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "storage")},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": self.host},
        }
        if htpasswd:
            (folder / "htpasswd").write_text(_HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        if notify:
            url, secret = notify
            endpoint = {
                "name": "listener",
                "url": url,
                "headers": {"Authorization": [f"Bearer {secret}"]},
                "timeout": "2s",
                "threshold": 10,
                "backoff": "200ms",
            }
            config["notifications"] = {"endpoints": [endpoint]}
        # YAML holds JSON.
        (folder / "config.yml").write_text(json.dumps(config))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return when it answers."""
        self._log = self.access_log.open("ab")
        self._process = subprocess.Popen(
            [REGISTRY_BINARY, "serve", str(self.folder / "config.yml")],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        )
        try:
            wait_until_ready(self._process, self._answers, self.access_log)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it; what was pushed stays."""
        if self._process is not None:
            stop_process(self._process, signal.SIGTERM)
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def requests(self) -> list[tuple[str, str, int]]:
        """Return method, path with query and status of every request that was answered."""
        found = []
        for line in self.access_log.read_text(errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                said = json.loads(line)
                if "http.response.status" in said and "http.request.uri" in said:
                    method, path = said["http.request.method"], said["http.request.uri"]
                    found.append((method, path, int(said["http.response.status"])))
        return found

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}/v2/", timeout=2):
                return True
        except urllib.error.HTTPError as answer:
            answer.close()
            return answer.code == 401
        except OSError:
            return False


async def push(
    host: str,
    repository: str,
    built: Built,
    *tags: str,
    credentials: tuple[str, str] | None = None,
) -> None:
    """Push something built, with all below it, by plain HTTP as the specification has it."""
    encoded = {"Authorization": aiohttp.encode_basic_auth(*credentials)} if credentials else {}
    async with aiohttp.ClientSession(headers=encoded) as session:
        await _push(session, f"http://{host}/v2/{repository}", built, tags)


async def _push(
    session: aiohttp.ClientSession, url: str, built: Built, targets: tuple[str, ...]
) -> None:
    for blob in built.blobs:
        async with session.post(f"{url}/blobs/uploads/") as started:
            started.raise_for_status()
            where = started.headers["Location"]
        joined = f"{where}{'&' if '?' in where else '?'}digest={digest_of(blob)}"
        place = joined if joined.startswith("http") else url.partition("/v2/")[0] + joined
        async with session.put(place, data=io.BytesIO(blob)) as ended:
            ended.raise_for_status()
    for child in built.children:
        await _push(session, url, child, ())
    for target in targets or (built.digest,):
        headers = {"Content-Type": built.media_type}
        async with session.put(f"{url}/manifests/{target}", data=built.raw, headers=headers) as put:
            if put.status != 201:
                raise RuntimeError(f"{target}: {put.status} {(await put.text())[:500]}")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that nobody trusts; return it and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", *kind, "-keyout", key, "-out", certificate, *names],
        check=True,
        capture_output=True,
    )
    return certificate, key
