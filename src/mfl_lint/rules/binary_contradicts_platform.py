"""The program that the container starts was built for a machine that the platform does not have.

Found by reading the image's layers (`mfl-lint scan --deep`): the file that the kernel would
start, which is the entrypoint, else the command, through links, PATH and `#!` lines to the
interpreter, and that program's dynamic loader. Other files are not judged. A 386 program runs on
amd64; a 32-bit ARM program on arm64 is information, because not every such processor runs it; one
that asks for a higher ARM level than the platform has is a warning; a .NET program of
intermediate code runs anywhere. The ARM level is known only where the program says it.

Why: the container ends at once with `exec format error`, whatever the list and the config say:
both are only words, the program is what was really built.

Fix: build the image again on, or for, its platform: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`. A `COPY` of a program that was built outside, a
download with a fixed architecture, or a `FROM --platform=$BUILDPLATFORM` stage that compiles
without `TARGETARCH`, makes such images.

Source: execve(2), ENOEXEC; System V ABI (ELF) and its supplement for ARM; Microsoft PE format and
ECMA-335 II.25.3.3; Apple's <mach/machine.h>.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.executable import Runs, runs_on
from mfl_lint.core.inside import Proof, started
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.shared_layers import declared
from mfl_lint.rules._commands import rebuild, short
from mfl_lint.rules._evidence import config_of

_WORST_FIRST: Final = {
    Runs.NO: (Severity.ERROR, "which {platform} cannot run"),
    Runs.LEVEL: (Severity.WARNING, "which may use instructions that {platform} does not have"),
    Runs.FALLBACK: (Severity.INFO, "which not every host of {platform} can run"),
}


@rule(
    "MFL601",
    Severity.ERROR,
    Scope.DOCUMENT,
    needs=(Needs.CHILDREN, Needs.CONFIGS, Needs.LAYERS),
)
def binary_contradicts_platform(case: NodeCase) -> Iterator[Fault]:
    """Judge the files that an image starts against the platform that it is declared for."""
    node, platform = case.node, declared(case.node)
    if node.inside is None:
        return
    config = config_of(node)
    if config is None or platform is None or platform.architecture == "wasm":
        return
    run = started(node.inside, config)
    verdicts = [(proof, runs_on(proof.executable, platform)) for proof in run.proofs]
    for worst, (severity, words) in _WORST_FIRST.items():
        proof = next((one for one, verdict in verdicts if verdict is worst), None)
        if proof is not None:
            message = _message(proof, run.chain, words, platform)
            yield Fault(message, rebuild(case.parent, node), severity)
            return
    if run.unknown:
        raise NotObserved(run.unknown)
    for proof, verdict in verdicts:
        if verdict is Runs.UNKNOWN:
            raise NotObserved(f"{proof.path} does not say which level of ARM it needs")


def _message(proof: Proof, chain: tuple[str, ...], words: str, platform: Platform) -> str:
    """Return which file in which layer proves it, and what led to the file."""
    first = chain[0] if chain else proof.path
    led = f", started by {first}," if first != proof.path else ""
    what = words.replace("{platform}", str(platform))
    return f"{proof.path} in layer {short(proof.layer)}{led} is {proof.executable}, {what}"
