"""What an image's config says is started: the command, where it is looked for, from which folder.

Source: OCI image-spec 1.1 config.md "config"; runc and containerd, the PATH of a container
without one; Win32 CreateProcess, how a program's name is completed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mfl_lint.core.json_text import load_object
from mfl_lint.core.manifest import ImageConfig
from mfl_lint.core.problems import Problems

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WINDOWS_PATH: Final = r"C:\Windows\System32;C:\Windows"
_COMPLETIONS: Final = ("", ".exe", ".com", ".cmd", ".bat")


class Process(msgspec.Struct, frozen=True):
    """What is started. `command` is the first word, "" where the config names none.

    `folders` are those of PATH. On Windows all is written as a layer has it: without the
    drive's letter, in lower case, with `/`.
    """

    command: str
    folders: tuple[str, ...]
    workdir: str = "/"
    windows: bool = False

    def places(self, name: str) -> Iterator[str]:
        """Yield the paths at which a command may be, in the order in which they are tried."""
        if self.windows:
            folders = ("",) if name.startswith("/") else (self.workdir, *self.folders)
            yield from (f"{one}/{name}{end}" for one in folders for end in _COMPLETIONS)
        elif "/" in name:
            yield name if name.startswith("/") else f"{self.workdir}/{name}"
        elif name:
            for folder in self.folders:
                top = "" if folder.startswith("/") else f"{self.workdir}/"
                yield f"{top}{folder}/{name}"


def process_of(config: ImageConfig) -> Process:
    """Return what a config starts; fields of another type than the schema's are left out."""
    document = load_object(config.raw, Problems()) or {}
    fields = document.get("config")
    fields = fields if isinstance(fields, dict) else {}
    command = next(iter(_texts(fields, "Entrypoint") or _texts(fields, "Cmd")), "")
    workdir = fields.get("WorkingDir")
    folder = workdir if isinstance(workdir, str) else ""
    environment = dict(one.partition("=")[::2] for one in _texts(fields, "Env"))
    if config.platform.normalized().os == "windows":
        return _windows(command, environment, folder, fields.get("ArgsEscaped") is True)
    path = environment.get("PATH", _PATH)
    return Process(command, tuple(path.split(":")) if path else (), f"/{folder}")


def _windows(command: str, environment: dict[str, str], folder: str, escaped: bool) -> Process:
    """Return the process of a Windows image; `escaped`: the command is a whole line."""
    path = {name.upper(): value for name, value in environment.items()}.get("PATH", _WINDOWS_PATH)
    if escaped and command.startswith('"'):
        command = command[1:].partition('"')[0]
    elif escaped:
        command = command.partition(" ")[0]
    folders = tuple(windows_path(one) for one in path.split(";") if one)
    return Process(windows_path(command), folders, windows_path(folder), windows=True)


def windows_path(text: str) -> str:
    """Return a Windows path without its drive, in lower case, with `/`."""
    text = text.lower().replace("\\", "/")
    return text[2:] if text[1:2] == ":" else text


def _texts(fields: dict[str, Any], key: str) -> list[str]:
    value = fields.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
