"""`mfl-lint manifest push` and `restore`: what a tag points at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from mfl_lint.cli import making, options
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.core.digest import Digest
    from mfl_lint.core.manifest import Document
    from mfl_lint.core.reference import Reference
    from mfl_lint.mend.drafts import Draft


class Call(making.Pushing, frozen=True, kw_only=True):
    """What one call of `push` asks for, by the names of its options."""

    names: tuple[str, ...]
    purge: bool
    form: str | None


@click.command("push", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST")
@click.option("-p", "--purge", is_flag=True, help="Forget the draft after a good push.")
@making.form_options
@making.push_options
@click.pass_context
def push(ctx: click.Context, /, **given: Any) -> int:
    """Push a list, judged before as it will be.

    What other repositories of the registry hold is mounted (or uploaded), the images follow, and
    the list comes last. It is refused where the rules find errors in it, or where the tag moved
    meanwhile. Prints the digest; what the tag pointed at before is said with the command that
    restores it.

    Exit codes: 0 pushed, 1 refused, 2 usage or configuration, 3 the registry failed.
    """
    making.demand(ctx, given["names"], 1, 1)
    return push_draft(Call(**given))


def push_draft(call: Call) -> int:
    """Push the draft and return the exit code; Refused where there is none."""
    target = making.named(call.names[0], "manifest list")
    drafts = making.drafts()
    draft = drafts.demand(target)
    code = making.with_registries(call, lambda them: _settled(call, them, draft))
    if code == 0 and call.purge and not call.dry_run:
        drafts.remove(target)
    return code


async def _settled(call: Call, registries: Registries, draft: Draft) -> int:
    from mfl_lint.cli.pushing import Wanted, settle
    from mfl_lint.core.edit import encode

    if not call.force:
        _demand_platforms(draft)
    edited = draft.index(call.form or "")
    target = draft.reference
    if target.digest is not None:  # as docker: a list has its own digest, and no tag then
        target = replace(target, tag=None, digest=None)
    children = tuple(member.child for member in draft.members)
    wanted = Wanted(target, encode(edited), edited.media_type, children, children)
    return await settle(call, registries, wanted)


def _demand_platforms(draft: Draft) -> None:
    from mfl_lint.core.errors import Refused
    from mfl_lint.core.kind import is_attestation_entry
    from mfl_lint.core.platform import Platform

    for member in draft.members:
        platform = member.entry.platform or Platform()
        special = is_attestation_entry(member.entry) or member.entry.artifact_type
        if not special and not (platform.os and platform.architecture):
            raise Refused(
                f"manifest {member.name} must have an OS and Architecture to be pushed to a "
                "registry: `mfl-lint manifest annotate` gives it both"
            )


class Restoring(options.Looking, frozen=True, kw_only=True):
    """What one call of `restore` asks for, by the names of its options."""

    reference: str
    over: str | None


@click.command("restore", cls=ProjectCommand)
@click.argument("reference", metavar="NAME:TAG@DIGEST")
@click.option(
    "--over", metavar="DIGEST", help="Only if the tag points at this now; else it is left alone."
)
@options.looking_options
def restore(**given: Any) -> int:
    """Let a tag point at what it pointed at before.

    What has that digest must still be in the tag's repository, with the images that it names: none
    is pushed. What is found in it, and which platforms the tag will offer no more, is said before.
    With --over, as a push prints it, nothing is undone but that push.

    Exit codes are those of `mfl-lint manifest push`.
    """
    from mfl_lint.core.digest import is_digest

    call = Restoring(**given)
    named = making.named(call.reference)
    if named.tag is None or named.digest is None:
        raise click.UsageError(f"{call.reference[:100]}: write NAME:TAG@DIGEST")
    if call.over is not None and not is_digest(call.over):
        raise click.UsageError(f"--over {call.over[:100]!r}: write a whole digest, sha256:…")
    return making.with_registries(call, lambda them: _restored(call, them))


async def _restored(call: Restoring, registries: Registries) -> int:
    from mfl_lint.cli import exit_codes
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.pushing import carry_out, points_at, tell
    from mfl_lint.core.errors import NotFound
    from mfl_lint.mend.restoring import gone, restoring

    named = making.named(call.reference)
    target = replace(named, digest=None)
    client = registries.client(named.registry)
    there = await points_at(registries, target)
    if call.over is not None and there not in (call.over, named.digest):
        say(_changed_since(target, there, call.over))
        return exit_codes.FINDINGS
    try:
        document = await client.document(named.repository, str(named.digest))
    except NotFound:
        say(f"not restored: {gone(named)}; {target.familiar} points at {there or 'nothing'} still")
        return exit_codes.FINDINGS
    await _say_what_comes(call, registries, target, document)
    notes = {"restores": named.digest}
    plan = restoring(target, document, there, notes, sparse=client.registry.sparse)
    pushing = making.Pushing(
        config=call.config,
        insecure=call.insecure,
        anonymous=call.anonymous,
        quiet=call.quiet,
        copy=False,
        force=False,
        dry_run=False,
    )
    return tell(await carry_out(pushing, registries, plan))


def _changed_since(target: Reference, there: Digest | None, over: str) -> str:
    """Return that a tag is not restored, since it points at something else than was expected."""
    anyway = f"--over {there}" if there else "the same without --over"
    return (
        f"not restored: {target.familiar} points at {there or 'nothing'} now, not at "
        f"{over}: somebody changed it since; if that is to go, say {anyway}"
    )


async def _say_what_comes(
    call: Restoring, registries: Registries, target: Reference, document: Document
) -> None:
    """Say what the rules find in what the tag will point at, and which platforms it will lack."""
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.pushing import Wanted, findings_of
    from mfl_lint.core.errors import NotFound
    from mfl_lint.mend.images import Found, find, offered
    from mfl_lint.mend.restoring import below, lost

    media_type = document.media_type or document.served_type
    wanted = Wanted(target, document.raw, media_type, below(document, target), ())
    for finding in await findings_of(call.config, registries, wanted):
        say(f"{finding.severity} {finding.rule} {finding.slug}: {finding.message}")
    try:
        before = await find(registries.client, target)
    except NotFound:
        return
    after = Found(target, document, before.source)
    if before.is_list and not after.is_list:
        say(f"{target.familiar} is a list now, and will be one image")
    offers = [await offered(registries.client, one) for one in (before, after)]
    gone = lost(*offers)
    if gone:
        say(f"{target.familiar} will not offer {', '.join(one.full for one in gone)} any more")
