"""The images that a Dockerfile is built from: FROM, COPY --from and RUN --mount=from=.

Source: Dockerfile reference; BuildKit's `dockerfile2llb` (which names are stages, which
variables FROM knows).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Final

from mfl_lint.core.errors import InputInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import glob_matches
from mfl_lint.inputs.dockerfile_lines import Instruction, Word, escape_of, instructions
from mfl_lint.inputs.found import Collector, Contents
from mfl_lint.inputs.variables import Filled, fill_dockerfile

MAX_STAGES: Final = 1000
_SCRATCH: Final = "scratch"
# BuildKit sets these for each build: there is no value that is right for all of them.
_OF_EACH_BUILD: Final = frozenset(
    f"{whose}{what}" for whose in ("BUILD", "TARGET") for what in ("PLATFORM", "OS", "ARCH")
) | {"BUILDVARIANT", "TARGETVARIANT", "TARGETSTAGE"}
_ARGUMENT: Final = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)(?:=((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])*))?"
)
_NO_EXPANSION: Final = "variables are not filled in here; give it to a stage by FROM and name that"


def read_dockerfile(text: str, file: str, given: Mapping[str, str] | None = None) -> Contents:
    """Return the images that the stages come from. `given` is what --build-arg says."""
    escape = escape_of(text)
    found = list(instructions(text, escape))
    reader = _Reader(Collector(file), escape, given or {})
    reader.read(found)
    return reader.collector.contents()


class _Reader:
    def __init__(self, collector: Collector, escape: str, given: Mapping[str, str]) -> None:
        self.collector = collector
        self._escape = escape
        self._given = given
        self._arguments: dict[str, str] = {
            name: value for name, value in given.items() if name in _OF_EACH_BUILD
        }
        self._stages: list[str] = []

    def read(self, found: list[Instruction]) -> None:
        """Read all instructions, in their order."""
        names = frozenset(_stage_name(item) for item in found if item.name == "FROM") - {""}
        for item in found:
            if item.unended:
                why = "this heredoc has no end: the rest of the file was taken for a part of it"
                self.collector.unresolved(item.unended, item.line, why)
            if item.name == "ARG" and not self._stages:
                self._argument(item)
            elif item.name == "FROM":
                self._from(item)
            elif item.name == "COPY":
                self._copy(item, names)
            elif item.name == "RUN":
                self._run(item, names)

    def _argument(self, item: Instruction) -> None:
        """Note the ARGs before the first FROM: no other is known to a FROM."""
        text = " ".join(word.text for word in item.words)
        for match in _ARGUMENT.finditer(text):
            name, default = match.groups()
            if name in self._given:
                self._arguments[name] = self._given[name]
            elif default is not None:
                filled = fill_dockerfile(default, self._arguments, self._escape)
                self._arguments.pop(name, None)
                if not filled.why:
                    self._arguments[name] = filled.text

    def _from(self, item: Instruction) -> None:
        flags, words = _flags(item.words)
        if len(self._stages) >= MAX_STAGES:
            raise InputInvalid(f"{self.collector.file}:{item.line}: more than {MAX_STAGES} stages")
        self._stages.append(_stage_name(item))
        if not words or len(words) not in (1, 3):
            shown = " ".join(word.text for word in item.words)
            self.collector.unresolved(shown, item.line, "write FROM IMAGE [AS NAME]")
            return
        filled = self._filled(words[0])
        if self._is_stage_of_each_build(words[0], filled):
            said = f"{words[0].text[:80]} is a stage that each build chooses: not looked at"
            self.collector.note(words[0].line, said)
            return
        if filled.why:
            self._unfilled(words[0], filled)
            return
        if filled.text == _SCRATCH or filled.text.lower() in self._stages[:-1]:
            return
        self.collector.reference(filled.text, words[0].line, self._platform(flags))

    def _is_stage_of_each_build(self, word: Word, filled: Filled) -> bool:
        """Say whether a name like `base-$TARGETARCH` is that of an earlier stage."""
        if filled.unset not in _OF_EACH_BUILD:
            return False
        stars = {**self._arguments, **dict.fromkeys(_OF_EACH_BUILD, "*")}
        pattern = fill_dockerfile(word.text, stars, self._escape)
        earlier = [name for name in self._stages[:-1] if name]
        return not pattern.why and any(glob_matches(pattern.text.lower(), x) for x in earlier)

    def _platform(self, flags: Mapping[str, list[Word]]) -> tuple[Platform, ...]:
        """Return the platform that a FROM asks for; what each build decides asks for none."""
        for word in flags.get("platform", []):
            filled = self._filled(word)
            if filled.unset in _OF_EACH_BUILD:
                return ()
            if filled.why:
                self._unfilled(word, filled)
                return ()
            return self.collector.platform(filled.text, word.line)
        return ()

    def _copy(self, item: Instruction, names: frozenset[str]) -> None:
        flags, _ = _flags(item.words)
        for word in flags.get("from", []):
            if word.text.isdecimal() and int(word.text[:9]) >= len(self._stages) - 1:
                self.collector.unresolved(word.text, word.line, "no earlier stage has this number")
            else:
                self._other(word, names)

    def _run(self, item: Instruction, names: frozenset[str]) -> None:
        flags, _ = _flags(item.words)
        for word in flags.get("mount", []):
            for key, value in _mount(word.text):
                if key == "from" and value:
                    self._other(Word(value, word.line), names)

    def _other(self, word: Word, names: frozenset[str]) -> None:
        """Note an image that files are taken from, unless it is a stage."""
        text = word.text.strip("\"'")
        if "$" in text:
            self.collector.unresolved(text, word.line, _NO_EXPANSION)
        elif text and not (text.isdecimal() or text == _SCRATCH or text.lower() in names):
            self.collector.reference(text, word.line)

    def _filled(self, word: Word) -> Filled:
        return fill_dockerfile(word.text, self._arguments, self._escape)

    def _unfilled(self, word: Word, filled: Filled) -> None:
        name = filled.unset
        cure = f"; give --build-arg {name}=VALUE" if name else ""
        why = "each build sets it" if name in _OF_EACH_BUILD else filled.why
        if name and name not in _OF_EACH_BUILD:
            why = f"no ARG before the first FROM gives {name} a value"
        self.collector.unresolved(word.text, word.line, f"{why}{cure}")


def _stage_name(item: Instruction) -> str:
    """Return the name that a FROM gives to its stage, in lower case, "" for none."""
    _, words = _flags(item.words)
    named = len(words) == 3 and words[1].text.lower() == "as"
    return words[2].text.lower() if named else ""


def _flags(words: tuple[Word, ...]) -> tuple[dict[str, list[Word]], tuple[Word, ...]]:
    """Return the flags before an instruction's arguments, and these."""
    flags: dict[str, list[Word]] = {}
    for at, word in enumerate(words):
        if word.text == "--":
            return flags, words[at + 1 :]
        if not word.text.startswith("--"):
            return flags, words[at:]
        name, _, value = word.text[2:].partition("=")
        flags.setdefault(name, []).append(Word(value, word.line))
    return flags, ()


def _mount(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a --mount says; it is one line of CSV."""
    try:
        fields = next(csv.reader([text.strip("'")]), [])
    except csv.Error:
        return
    for item in fields:
        key, _, value = item.partition("=")
        yield key.strip().lower(), value.strip()
