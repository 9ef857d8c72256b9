"""One manifest list as a table, and as JSON: what each entry says, what it leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState, Node, Observation
from mfl_lint.core.rule import Finding
from mfl_lint.report.hosts import HostV1, grouped, hosts_by_position
from mfl_lint.report.json_v1 import FindingV1, finding_v1, to_json
from mfl_lint.report.paper import Paper

_ATTESTED: Final = "vnd.docker.reference.digest"
_PREDICATE: Final = "in-toto.io/predicate-type"
_KNOWN: Final = (("slsa.dev/provenance", "provenance"), ("spdx", "sbom"), ("cyclonedx", "sbom"))
_MAX_CELL: Final = 200
_MAX_ANNOTATIONS: Final = 50
_MAX_TEXT: Final = 500
_TITLES: Final = (
    "#", "platform", "digest", "size", "created", "config says", "attested", "found"
)  # fmt: skip


class LayerV1(msgspec.Struct, frozen=True):
    """One layer as the manifest names it; `size` in bytes."""

    digest: str | None
    size: int | None
    media_type: str


class EntryV1(msgspec.Struct, frozen=True):
    """One entry, or the image itself where there is no list (`position` is None).

    `depth` is 0 for entries of the list, 1 for those of a list inside it. `size` is in bytes
    as the list says it. `created` is RFC 3339 text, "" if unknown, `age_days` counts from it to
    the look; `state` None = not looked at. `attests` is the position of the entry that an
    attestation speaks of. `hosts` are the common hosts whose engines take the entry.
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
    age_days: int | None = None
    attests: int | None = None
    annotations: dict[str, str] = {}
    config_digest: str | None = None
    layers: tuple[LayerV1, ...] = ()
    hosts: tuple[HostV1, ...] = ()


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
    annotations: dict[str, str] = {}


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
        entries=tuple(_Entries(findings, seen.looked_at).of(root)) if root else (),
        findings=tuple(finding_v1(finding) for finding in findings),
        annotations=_bounded(document.annotations) if document else {},
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
        _write_annotations(paper, shown)
        _write_hosts(paper, shown.entries)
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
        _created_cell(entry),
        entry.config_platform or "-",
        ", ".join(entry.attestations) or "-",
        ", ".join(entry.findings) or "-",
    )
    return tuple(cell[:_MAX_CELL] for cell in cells), style


def _created_cell(entry: EntryV1) -> str:
    day = entry.created.partition("T")[0] or "-"
    return f"{day}, {entry.age_days} d" if entry.age_days is not None else day


def _platform_cell(entry: EntryV1) -> str:
    name = entry.platform or ("-" if entry.position is None else "no platform")
    if entry.kind is not Kind.IMAGE and entry.kind is not Kind.UNDECIDED:
        of = "" if entry.attests is None else f" of {entry.attests}"
        name = f"{name} [{entry.kind}{of}]"
    if entry.state is LookState.VERIFIED:
        return name
    return f"{name} ({entry.state or 'not looked at'})"


def _write_annotations(paper: Paper, shown: InspectionV1) -> None:
    said = [("list", shown.annotations)] if shown.entries[0].position is not None else []
    # What ties an attestation to its image stands in the table already.
    entries = [entry for entry in shown.entries if entry.attests is None]
    said += [(f"entry {_number(entry)}", entry.annotations) for entry in entries]
    for place, named in said:
        for name, value in named.items():
            paper.block("│ ", [(f"{place}: ", "dim"), f"{name}: {value}"])


def _write_hosts(paper: Paper, entries: Sequence[EntryV1]) -> None:
    """Write which hosts take each entry; what nobody takes is said too."""
    if entries[0].position is None:
        return
    for entry in entries:
        if entry.depth == 0 and entry.kind not in (Kind.ATTESTATION, Kind.BLOB):
            taken = f"entry {_number(entry)} is taken by: "
            paper.block("│ ", [(taken, "dim"), grouped(entry.hosts) or "no common host"])


def _number(entry: EntryV1) -> str:
    return "-" if entry.position is None else f"{'·' * entry.depth}{entry.position}"


class _Entries:
    """Makes the rows of one observation."""

    def __init__(self, findings: Sequence[Finding], looked_at: datetime) -> None:
        self._looked_at = looked_at
        self._rules: dict[tuple[str | None, int | None], dict[str, None]] = {}
        for item in findings:
            self._rules.setdefault((item.digest, item.position), {})[item.rule] = None

    def of(self, root: Node) -> Iterator[EntryV1]:
        """Yield the entries of a list and of those inside it, or the image itself."""
        if not root.is_index:
            yield self._entry(root, 0)
            return
        hosts = hosts_by_position(root)
        for entry in self._below(root, 0):
            taken = hosts.get(entry.position, ()) if entry.position is not None else ()
            yield msgspec.structs.replace(entry, hosts=taken) if entry.depth == 0 else entry

    def _below(self, index: Node, depth: int) -> Iterator[EntryV1]:
        positions = {x.entry.digest or "": x.position for x in reversed(index.children)}
        attested: dict[str, dict[str, None]] = {}
        for node in index.children:
            if node.kind is Kind.ATTESTATION:
                kinds = attested.setdefault(node.entry.annotations.get(_ATTESTED, ""), {})
                kinds.update(dict.fromkeys(attestation_kinds(node)))
        for child in index.children:
            kinds = attested.get(child.entry.digest, {}) if child.entry.digest else {}
            entry = self._entry(child, depth, tuple(kinds))
            of = child.entry.annotations.get(_ATTESTED)
            if child.kind is Kind.ATTESTATION and of:
                entry = msgspec.structs.replace(entry, attests=positions.get(of))
            yield entry
            yield from self._below(child, depth + 1)

    def _entry(self, node: Node, depth: int, attestations: tuple[str, ...] = ()) -> EntryV1:
        config, document = node.config, node.document
        created = config.created if config else ""
        return EntryV1(
            position=node.position,
            depth=depth,
            kind=node.kind,
            platform=node.entry.platform.full if node.entry.platform else "",
            config_platform=config.platform.full if config else "",
            digest=node.entry.digest,
            size=node.entry.size_bytes,
            media_type=node.entry.media_type,
            created=created,
            state=node.look.state if node.look else None,
            detail=node.look.detail if node.look else "",
            attestations=attestations,
            findings=tuple(self._rules.get((node.entry.digest, node.position), ())),
            age_days=_age_days(created, self._looked_at),
            annotations=_bounded(node.entry.annotations),
            config_digest=document.config.digest if document and document.config else None,
            layers=tuple(map(_layer, document.layers)) if document else (),
        )


def _age_days(created: str, looked_at: datetime) -> int | None:
    """Return the whole days from `created` to the look, None where that is no usable time."""
    try:
        return max((looked_at - datetime.fromisoformat(created)).days, 0)
    except (ValueError, TypeError, OverflowError):
        return None


def _layer(layer: Descriptor) -> LayerV1:
    return LayerV1(layer.digest, layer.size_bytes, layer.media_type[:_MAX_TEXT])


def _bounded(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return as many annotations, and as much of each, as a person reads."""
    names = sorted(annotations)[:_MAX_ANNOTATIONS]
    return {name[:_MAX_TEXT]: annotations[name][:_MAX_TEXT] for name in names}


def attestation_kinds(node: Node) -> Iterator[str]:
    """Yield what an attestation says of its image, in a word each."""
    layers = node.document.layers if node.document else ()
    predicates = [layer.annotations.get(_PREDICATE, "") for layer in layers]
    if not any(predicates):
        yield "attestation"
    for predicate in filter(None, predicates):
        lower = predicate.lower()
        yield next((word for part, word in _KNOWN if part in lower), predicate[:60])
