"""`mfl-lint manifest inspect`: a draft, else what is in the registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import exit_codes, making, options
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.core.manifest import Descriptor, Document
    from mfl_lint.core.reference import Reference
    from mfl_lint.mend.drafts import Draft


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    names: tuple[str, ...]
    verbose: bool
    raw: bool


@click.command("inspect", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="[LIST] MANIFEST")
@click.option("-v", "--verbose", is_flag=True, help="Show each entry with its manifest.")
@click.option("--raw", is_flag=True, help="Write the document itself, byte for byte.")
@options.looking_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Show a list or an image: a draft, else what is pushed.

    With LIST: the image as it is in that draft. Without: the draft of that name, else what the
    registry has. Nothing that a document says is left out.
    """
    making.demand(ctx, given["names"], 1, 2)
    return inspect(Call(**given))


def inspect(call: Call) -> int:
    """Show it and return the exit code; Refused where a draft does not have it."""
    from mfl_lint.cli.output import print_document, write_report
    from mfl_lint.core.errors import Refused

    if call.raw and call.verbose:
        raise click.UsageError("--raw and --verbose exclude each other")
    *lists, reference = [making.named(text) for text in call.names]
    draft = making.drafts().get(lists[0] if lists else reference)
    shown: Any
    if lists:
        at = draft.find(reference) if draft is not None else None
        if draft is None or at is None:
            raise Refused(f"No such manifest: {reference.familiar}")
        member = draft.members[at]
        shown, raw = _verbose(member.name, member.entry, member.raw), member.raw
    elif draft is not None:
        shown, raw = _of_draft(draft) if call.verbose else ([], _bytes(draft))
    else:
        shown, raw = making.with_registries(call, lambda them: _remote(call, them, reference))
    if call.raw:
        print_document(raw, "--raw")
    else:
        write_report(_text(shown if call.verbose else raw), None)
    return exit_codes.OK


def _bytes(draft: Draft) -> bytes:
    from mfl_lint.core.edit import encode

    return encode(draft.index())


def _of_draft(draft: Draft) -> tuple[list[dict[str, Any]], bytes]:
    members = draft.members
    return [_verbose(one.name, one.entry, one.raw) for one in members], _bytes(draft)


async def _remote(call: Call, registries: Registries, reference: Reference) -> tuple[Any, bytes]:
    from mfl_lint.mend.images import as_child, find

    found = await find(registries.client, reference)
    raw = found.document.raw
    if not call.verbose:
        return None, raw
    if not found.is_list:
        child = await as_child(registries.client, found)
        return _verbose(str(found.reference), child.entry, raw), raw
    return await _entries(registries, found.reference, found.document.entries), raw


async def _entries(
    registries: Registries, reference: Reference, entries: Sequence[Descriptor]
) -> list[dict[str, Any]]:
    """Return each entry with its manifest; NotFound names the child that is missing."""
    from mfl_lint.core.errors import NotFound

    client, shown = registries.client(reference.registry), []
    for entry in entries:
        name = f"{reference}@{entry.digest}" if reference.digest is None else str(reference)
        try:
            child = await client.document(reference.repository, str(entry.digest))
        except NotFound as error:
            place = f"{reference.familiar} is there, but its entry"
            raise NotFound(f"{place} {entry.digest} is missing: {error}") from None
        shown.append(_verbose(name, entry, child.raw, child))
    return shown


def _verbose(
    name: str, entry: Descriptor, raw: bytes, document: Document | None = None
) -> dict[str, Any]:
    """Return an entry as `docker manifest inspect -v` has it, and what that leaves out."""
    import base64

    from mfl_lint.core.index_fields import descriptor_fields
    from mfl_lint.core.manifest import DOCKER_MANIFEST, Form
    from mfl_lint.core.parse import parse_document

    document = document or parse_document(raw, entry.media_type)
    key = "SchemaV2Manifest" if entry.media_type == DOCKER_MANIFEST else "OCIManifest"
    key = "OCIIndex" if document.form is Form.INDEX else key
    shown: dict[str, Any] = {"Ref": name, "Descriptor": descriptor_fields(entry)}
    if raw:
        shown |= {"Raw": base64.b64encode(raw).decode(), key: _loaded(raw)}
    return shown


def _text(shown: object) -> str:
    """Return JSON for people, in which nothing acts on a terminal.

    A list is indented by three blanks, one manifest by tabs, as docker does.
    """
    value = _loaded(shown) if isinstance(shown, bytes) else shown
    single = isinstance(value, dict) and "manifests" not in value
    return json.dumps(value, indent="\t" if single else 3) + "\n"


def _loaded(raw: bytes) -> Any:
    from mfl_lint.core.errors import ManifestInvalid
    from mfl_lint.core.json_text import load_object
    from mfl_lint.core.problems import Problems

    problems = Problems()
    if load_object(raw, problems) is None:
        why = problems.kept()[0].message
        raise ManifestInvalid(f"it cannot be shown as JSON: {why}; --raw writes it as it is")
    return json.loads(raw, parse_int=str if _has_long_numbers(raw) else None)


def _has_long_numbers(raw: bytes) -> bool:
    import re

    return re.search(rb"[0-9]{1000}", raw) is not None
