"""Real programs for other machines: Debian's own, fetched without adding an architecture here."""

from __future__ import annotations

import io
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = "busybox-static"
_PROGRAM: Final = "./bin/busybox"
_TIMEOUT_S: Final = 300


class Unavailable(Exception):
    """The machine does not reach its package sources, or they do not have the program."""


def busybox(architecture: str, scratch: Path) -> bytes:
    """Return the statically linked busybox of a Debian architecture, fetched once ever.

    It is kept beside the virtual environment's files where there is one, else in `scratch`.
    """
    above = ROOT / ".venv"
    kept = (above if above.is_dir() else scratch) / f"{PACKAGE}-{architecture}"
    if not kept.exists():
        raw = _program(_fetched(architecture, scratch / architecture))
        beside = kept.with_suffix(".new")
        beside.write_bytes(raw)
        beside.replace(kept)
    return kept.read_bytes()


def _fetched(architecture: str, folder: Path) -> Path:
    """Return the package, downloaded with lists and a cache of its own in the folder."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    # One of several sources may fail that is not needed: what counts is whether there is a package.
    with suppress(Unavailable):
        _run("apt-get", "-q", *options, "update", folder=folder)
    _run("apt-get", "-q", *options, "download", PACKAGE, folder=folder)
    return next(folder.glob("*.deb"))


def _run(*command: str, folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT_S)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-300:]
        raise Unavailable(f"{command[-1]}: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error


def _program(package: Path) -> bytes:
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        program = files.extractfile(_PROGRAM)
        assert program is not None
        return program.read()
