"""The images of one list are started differently on different platforms.

Compared are entrypoint, command, user, names of environment variables, ports, volumes and working
directory, among images of one os; most of them decide what is usual, the first where as many say
one as the other. Absent, null and empty are the same; so are no user, `root` and `0`, no
directory and `/`, `80` and `80/tcp`. The values of variables are not compared, nor shown.

Why: the same tag and the same command line behave differently on another platform: another
program is started, as another user, without a variable that it needs. Usually the images were
built by different Dockerfiles, or at different times.

Fix: build all of them from one Dockerfile: `docker buildx build --platform linux/amd64,linux/arm64
-t REFERENCE --push .`.

Source: OCI image-spec 1.1 config.md "config"; what the list's other images say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.runtime import runtime_of
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import configured
from mfl_lint.rules._settings import Settings, settings_of

_SHOWN = 100


@rule("MFL604", Severity.WARNING, Scope.INDEX, needs=(Needs.CONFIGS,))
def configs_differ(case: NodeCase) -> Iterator[Fault]:
    """Judge the configs of an index's images."""
    by_os, unseen = configured(case)
    for configs in by_os.values():
        read = [(node, runtime_of(config)) for node, config in configs]
        known = [(node, runtime) for node, runtime in read if runtime is not None]
        if not any(runtime != known[0][1] for _, runtime in known):
            continue
        images = [(node, settings_of(runtime)) for node, runtime in known]
        usual = _usual([settings for _, settings in images])
        for node, settings in images:
            differences = [_said(name, settings[name], usual[name]) for name in usual]
            message = "; ".join(filter(None, differences))
            if message:
                platform = node.entry.platform or "an image"
                fix = rebuild(case.node, node)
                yield Fault(f"{platform} differs from the others: {message}", fix, node=node)
    if unseen:
        raise NotObserved(unseen)


def _usual(images: list[Settings]) -> Settings:
    """Return for each name what most images say, the first of them where none has more."""
    return {name: Counter(one[name] for one in images).most_common(1)[0][0] for name in images[0]}


def _said(name: str, own: tuple[str, ...], usual: tuple[str, ...]) -> str:
    if own == usual:
        return ""
    if name in ("entrypoint", "command", "user", "directory"):
        return f"{name} {_shown(own)}, not {_shown(usual)}"
    more = [f"+{one}" for one in own if one not in usual]
    less = [f"-{one}" for one in usual if one not in own]
    return f"{name} {' '.join((*more, *less))[:_SHOWN]}"


def _shown(words: tuple[str, ...]) -> str:
    text = msgspec.json.encode(words).decode() if words else "none"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
