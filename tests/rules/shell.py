"""What a fix has to be, so that all of it can be pasted into a shell."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Final

_PROGRAMS: Final = ("docker", "mfl-lint", "skopeo")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
# Nothing that a shell expands, ends a command with, or opens a quote with.
_PLAIN: Final = re.compile(r"(?:[\w@%+=:,./\- ]|&& )*", re.ASCII)


def grouped(target: str, *parts: str, annotate: str = "", insecure: str = "") -> str:
    """Return the line that makes a list of these parts, whatever draft there was, and pushes it."""
    create = f"docker manifest create {insecure}"
    return (
        f"{create}--amend {target} {parts[0]} && docker manifest rm {target}"
        f" && {create}{target} {' '.join(parts)}{annotate}"
        f" && docker manifest push {insecure}--purge {target}"
    )


def pasted(fix: str) -> list[list[str]]:
    """Return the words of the commands that run when the fix is pasted, and check all of it.

    Comments are held to the same: an interactive zsh reads them as commands.
    """
    lines = fix.splitlines()
    assert lines == fix.split("\n")
    for line in lines:
        assert line.isprintable()
        bare = _QUOTED.sub("", line.removeprefix("#"))
        assert _PLAIN.fullmatch(bare), line
    subprocess.run(["/bin/sh", "-n"], input=fix.encode(), check=True)
    commands = [command for line in lines for command in _commands(line)]
    assert all(words[0] in _PROGRAMS for words in commands)
    return commands


def _commands(line: str) -> list[list[str]]:
    if line.startswith("#"):
        assert line.startswith("# ")
        return []
    found: list[list[str]] = [[]]
    for word in shlex.split(line):
        found.append([]) if word == "&&" else found[-1].append(word)
    return found
