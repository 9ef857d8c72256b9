"""The dynamic loader that the started program names is in no layer of the image.

A program that is linked dynamically names the file that loads its libraries, such as
`/lib64/ld-linux-x86-64.so.2` or `/lib/ld-musl-aarch64.so.1`. All layers were read
(`mfl-lint scan --deep`), and none has it.

Why: the container ends at once with `no such file or directory`, and names the program, which is
there. Typically a program that was built with glibc is copied into an image of Alpine or into an
empty one.

Fix: link the program statically (for Go, `CGO_ENABLED=0`; for Rust, a `musl` target), or build it
with the libraries of the image that it is copied into, then build again: `docker buildx build
--platform linux/amd64,linux/arm64 -t REFERENCE --push .`.

Source: System V ABI, "Program Interpreter" (PT_INTERP); execve(2), ENOENT; OCI image-spec 1.1
layer.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.inside import started
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, short
from mfl_lint.rules._evidence import config_of


@rule(
    "MFL605",
    Severity.ERROR,
    Scope.DOCUMENT,
    needs=(Needs.CHILDREN, Needs.CONFIGS, Needs.LAYERS),
)
def loader_missing(case: NodeCase) -> Iterator[Fault]:
    """Judge the loaders of the programs that an image starts."""
    node = case.node
    if node.inside is None:
        return
    config = config_of(node)
    if config is None:
        return
    run = started(node.inside, config)
    for proof in run.without_loader:
        yield Fault(
            f"{proof.path} in layer {short(proof.layer)} is {proof.executable} and needs "
            f"{proof.executable.loader}, which is in no layer of the image",
            rebuild(case.parent, node),
        )
    if run.unknown and not run.without_loader:
        raise NotObserved(run.unknown)
