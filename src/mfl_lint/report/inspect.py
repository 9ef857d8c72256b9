"""One manifest list as a table, and as JSON: what each entry says, what it leads to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from mfl_lint.core.observation import Kind, LookState, Node, Observation
from mfl_lint.core.rule import Finding
from mfl_lint.report.json_v1 import FindingV1, finding_v1, to_json
from mfl_lint.report.paper import Paper

_ATTESTED: Final = "vnd.docker.reference.digest"
_PREDICATE: Final = "in-toto.io/predicate-type"
_KNOWN: Final = (("slsa.dev/provenance", "provenance"), ("spdx", "sbom"), ("cyclonedx", "sbom"))
_MAX_CELL: Final = 200
_TITLES: Final = (
    "#", "platform", "digest", "size", "created", "config says", "attested", "found"
)  # fmt: skip


class EntryV1(msgspec.Struct, frozen=True):
    """One entry, or the image itself where there is no list (`position` is None).

    `depth` is 0 for entries of the list, 1 for those of a list inside it. `size` is in bytes
    as the list says it. `created` is RFC 3339 text, "" if unknown; `state` None = not looked at.
    """

    position: int | None
    depth: int
    kind: Kind
    platform: str
    config_platform: str
    digest: str | None
    size: int | None
    media_type: str
    created: str
    state: LookState | None
    detail: str
    attestations: tuple[str, ...]
    findings: tuple[str, ...]


class InspectionV1(msgspec.Struct, frozen=True):
    """What `mfl-lint inspect --json` prints."""

    version: Literal[1]
    reference: str
    digest: str | None
    media_type: str
    size: int | None
    state: LookState
    detail: str
    entries: tuple[EntryV1, ...]
    findings: tuple[FindingV1, ...]


def inspection(seen: Observation, findings: Sequence[Finding]) -> InspectionV1:
    """Return what was seen as one value; `findings` are those of this reference."""
    root = seen.root
    document = root.document if root else None
    return InspectionV1(
        version=1,
        reference=str(seen.reference),
        digest=seen.digest or seen.reference.digest,
        media_type=(document.media_type or document.served_type) if document else "",
        size=document.size_bytes if document else None,
        state=seen.look.state,
        detail=seen.look.detail,
        entries=tuple(_entries(root, findings)) if root else (),
        findings=tuple(finding_v1(finding) for finding in findings),
    )


def render_inspection_json(shown: InspectionV1) -> str:
    """Return the JSON text."""
    return to_json(shown)


def render_inspection(shown: InspectionV1, paper: Paper) -> str:
    """Return the table, with the findings below it."""
    paper.line((shown.reference, "bold"), (f"  {shown.digest or ''}", "dim"))
    if shown.state is not LookState.VERIFIED:
        paper.block("? ", [(f"{shown.state}: {shown.detail}", "magenta")], style="bold magenta")
        return paper.text()
    size = f", {shown.size} bytes" if shown.size is not None else ""
    paper.line((f"{shown.media_type or 'no media type'}{size}", "dim"))
    if shown.entries:
        paper.table(_TITLES, map(_row, shown.entries))
    for item in shown.findings:
        place = f" {item.platform}" if item.platform else ""
        paper.block("│ ", [f"{item.severity} {item.rule} {item.slug}{place}: {item.message}"])
    if shown.findings:
        paper.line("")
        paper.line(f"Next: `mfl-lint scan {shown.reference}` shows the fixes.")
    return paper.text()


def _row(entry: EntryV1) -> tuple[tuple[str, ...], str]:
    style = "red" if entry.findings else "dim" if entry.kind is Kind.ATTESTATION else ""
    cells = (
        "-" if entry.position is None else f"{'·' * entry.depth}{entry.position}",
        _platform_cell(entry),
        entry.digest.removeprefix("sha256:")[:12] if entry.digest else "-",
        "-" if entry.size is None else str(entry.size),
        entry.created.partition("T")[0] or "-",
        entry.config_platform or "-",
        ", ".join(entry.attestations) or "-",
        ", ".join(entry.findings) or "-",
    )
    return tuple(cell[:_MAX_CELL] for cell in cells), style


def _platform_cell(entry: EntryV1) -> str:
    name = entry.platform or ("-" if entry.position is None else "no platform")
    if entry.kind is not Kind.IMAGE and entry.kind is not Kind.UNDECIDED:
        name = f"{name} [{entry.kind}]"
    if entry.state is LookState.VERIFIED:
        return name
    return f"{name} ({entry.state or 'not looked at'})"


def _entries(root: Node, findings: Sequence[Finding]) -> Iterator[EntryV1]:
    if not root.is_index:
        yield _entry(root, 0, (), findings)
        return
    yield from _below(root, 0, findings)


def _below(index: Node, depth: int, findings: Sequence[Finding]) -> Iterator[EntryV1]:
    for child in index.children:
        of_child = [node for node in index.children if _attests(node, child)]
        kinds = dict.fromkeys(name for node in of_child for name in _attestation_kinds(node))
        yield _entry(child, depth, tuple(kinds), findings)
        yield from _below(child, depth + 1, findings)


def _entry(
    node: Node, depth: int, attestations: tuple[str, ...], findings: Sequence[Finding]
) -> EntryV1:
    digest, config = node.entry.digest, node.config
    rules = (
        item.rule for item in findings if item.digest == digest and item.position == node.position
    )
    return EntryV1(
        position=node.position,
        depth=depth,
        kind=node.kind,
        platform=node.entry.platform.full if node.entry.platform else "",
        config_platform=config.platform.full if config else "",
        digest=digest,
        size=node.entry.size_bytes,
        media_type=node.entry.media_type,
        created=config.created if config else "",
        state=node.look.state if node.look else None,
        detail=node.look.detail if node.look else "",
        attestations=attestations,
        findings=tuple(dict.fromkeys(rules)),
    )


def _attests(node: Node, image: Node) -> bool:
    digest = image.entry.digest
    is_attestation = node.kind is Kind.ATTESTATION and digest is not None
    return is_attestation and node.entry.annotations.get(_ATTESTED) == digest


def _attestation_kinds(node: Node) -> Iterator[str]:
    """Yield what an attestation says of its image, in a word each."""
    layers = node.document.layers if node.document else ()
    predicates = [layer.annotations.get(_PREDICATE, "") for layer in layers]
    if not any(predicates):
        yield "attestation"
    for predicate in filter(None, predicates):
        lower = predicate.lower()
        yield next((word for part, word in _KNOWN if part in lower), predicate[:60])
