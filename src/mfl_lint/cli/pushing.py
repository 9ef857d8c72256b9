"""Push a list for a person: judged before, shown, carried out, and what became of it said."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from mfl_lint.cli import exit_codes
from mfl_lint.cli.connect import Registries
from mfl_lint.cli.failures import say
from mfl_lint.cli.looking import now
from mfl_lint.cli.making import Pushing
from mfl_lint.cli.output import print_document, write_report
from mfl_lint.cli.progress import progress_line
from mfl_lint.config import Config, DatabaseConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotFound
from mfl_lint.core.policy import Severity
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding
from mfl_lint.mend.audits import Audits, Journal
from mfl_lint.mend.bringing import Child, Progress
from mfl_lint.mend.drafts import state_folder
from mfl_lint.mend.intent import Audit, PushPlan
from mfl_lint.mend.judging import judged
from mfl_lint.mend.outcome import End, Interrupted, Outcome, TagEnd
from mfl_lint.mend.push import push
from mfl_lint.report.material import counted
from mfl_lint.rules import discover

if TYPE_CHECKING:
    from mfl_lint.mend.judging import Judged

_BAR: Final = 20
_COULD_NOT: Final = frozenset({End.FAILED, End.UNKNOWN})


class Wanted(msgspec.Struct, frozen=True):
    """What is to be pushed. `children` are all that the list points at, `new` those that may have
    to be brought. `base` is the list that it was made of, where there is one.
    """

    target: Reference
    raw: bytes
    media_type: str
    children: tuple[Child, ...]
    new: tuple[Child, ...]
    base: Digest | None = None
    further_tags: tuple[str, ...] = ()
    tolerated: frozenset[str] = frozenset()


async def settle(call: Pushing, registries: Registries, wanted: Wanted) -> int:
    """Judge, push and say what became of it; return the exit code.

    Errors that are found refuse it, but for those whose fingerprints are `tolerated`: they were
    there before.
    """
    findings = await findings_of(call.config, registries, wanted)
    wrong = [one for one in findings if one.severity is Severity.ERROR]
    new = [one for one in wrong if one.fingerprint not in wanted.tolerated]
    for finding in findings:
        say(f"{finding.severity} {finding.rule} {finding.slug}: {finding.message}")
    if call.dry_run:
        size = len(wanted.raw)
        plan = _plan(call, wanted, None, ())
        say(f"would push {plan.digest} ({size} bytes, {wanted.media_type}) to {wanted.target}")
        print_document(wanted.raw, "--dry-run")
    if new and not call.force:
        errors = counted(len(new), "error")
        say(f"not pushed: {errors} in the list as it would be; --force pushes it so")
        return exit_codes.FINDINGS
    if call.dry_run:
        return exit_codes.OK
    expected = await points_at(registries, wanted.target) if wanted.base is None else wanted.base
    return tell(await carry_out(call, registries, _plan(call, wanted, expected, new)))


async def findings_of(
    config: Config, registries: Registries, wanted: Wanted
) -> tuple[Finding, ...]:
    """Return what the rules find in the list as it will be; what could not be seen is said."""
    return (await seen_of(config, registries, wanted)).judgement.findings


async def seen_of(config: Config, registries: Registries, wanted: Wanted) -> Judged:
    """Return what is seen of a list, and found in it; what could not be seen is said."""
    looked: Judged = await judged(
        wanted.target,
        wanted.raw,
        wanted.media_type,
        wanted.children,
        registries.client,
        rules=discover(),
        policy=config.policy,
        now=now,
    )
    root = looked.observation.root
    for node in root.walk() if root is not None else ():
        for look in node.looks():
            if not look.conclusive:
                say(f"could not look: {node.entry.digest}: {look.state}: {look.detail}")
    return looked


async def points_at(registries: Registries, reference: Reference) -> Digest | None:
    """Return what a tag points at now, None where it is not there (or no tag was meant)."""
    if reference.tag is None:
        return None
    client = registries.client(reference.registry)
    client.write_to(reference.repository)
    try:
        head = await client.head(reference.repository, reference.tag)
        if head.digest is not None:
            return head.digest
        return (await client.document(reference.repository, reference.tag)).digest
    except NotFound:
        return None


async def carry_out(call: Pushing, registries: Registries, plan: PushPlan) -> Outcome:
    """Push, written down first, with a line that shows how far it is."""
    async with audit(call.config) as written:
        try:
            async with progress_line(quiet=call.quiet) as show:
                return await push(
                    plan, registries.client, written, progress=lambda one: show(_bar(one)), now=now
                )
        except Interrupted as broken:
            tell(broken.outcome)
            raise


@asynccontextmanager
async def audit(config: Config) -> AsyncIterator[Audit]:
    """Yield where this user's pushes are written down.

    That is a journal, and the database of the settings file where it names one, or has its own.
    """
    from mfl_lint.service.people import at_the_shell

    who = at_the_shell()
    journal = Journal(state_folder(os.environ), who)
    if not _has_database(config):
        yield journal
        return
    from mfl_lint.mend.store_audit import StoreAudit
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store.engine import open_store

    async with open_store(database_url(config)) as store:
        yield Audits(StoreAudit(store, who), journal)


def _has_database(config: Config) -> bool:
    if config.database != DatabaseConfig():
        return True
    file = config.database.url.removeprefix("sqlite:///")
    return config.path is not None and Path(file).is_file()


def tell(outcome: Outcome) -> int:
    """Say what became of each tag, and return the exit code.

    What was done and could not be written down is no success: 3.
    """
    for tag in outcome.tags:
        for line in _lines(tag, outcome.digest):
            say(line)
    for left in outcome.left_out:
        say(
            f"not pushed: {left.familiar}: left out, since {outcome.last.reference.familiar} failed"
        )
    if outcome.unrecorded:
        say(f"how it ended is not written down: {outcome.unrecorded}")
    if outcome.ok:
        write_report(f"{outcome.digest}\n", None)
        return exit_codes.COULD_NOT_LOOK if outcome.unrecorded else exit_codes.OK
    return exit_codes.COULD_NOT_LOOK if outcome.last.end in _COULD_NOT else exit_codes.FINDINGS


def _lines(tag: TagEnd, digest: Digest) -> Iterable[str]:
    name, detail = tag.reference.familiar, f": {tag.detail}" if tag.detail else ""
    again = "; see what it is now, and run the same command again" if tag.end is End.MOVED else ""
    match tag.end:
        case End.PUSHED:
            yield f"pushed {name}{detail}"
        case End.UNCHANGED:
            yield f"{name} points there already"
        case End.OVERTAKEN:
            yield f"{name} points at {tag.now or 'nothing'} now, pushed by somebody else{detail}"
        case End.REWRITTEN:
            yield f"{name} points at {tag.now} now: the registry changed the list{detail}"
        case End.OVERWROTE:
            yield f"pushed {name}, over {tag.between}, which somebody pushed meanwhile{detail}"
        case End.UNKNOWN:
            there = f"; when last seen it was {tag.now}" if tag.now else ""
            yield f"{name}: nobody knows whether it was pushed{detail}{there}"
            where = name if tag.reference.tag else f"{name}@{digest}"
            yield f"`mfl-lint inspect {where}` shows {digest} if it was: look now, and again later"
        case _:
            there = tag.now or "not there"
            yield f"not pushed: {name} is as it was, {there}: {tag.end}{detail}{again}"
    if tag.restore:
        then = "to restore that" if tag.end is not End.UNKNOWN else "if it was, to restore that"
        yield f"{name} pointed at {tag.between or tag.before}; {then}: {tag.restore}"
    if tag.window_s is not None and tag.between is None:
        yield _unseen(tag, tag.window_s)


def _unseen(tag: TagEnd, window_s: float) -> str:
    """Return when somebody else's push would not have been seen."""
    condition = "If-Match" if tag.before else "If-None-Match"
    sent = f", unless the registry honours {condition}, which was sent"
    return (
        f"note: nobody else was seen to push to {tag.reference.familiar}; a push in the "
        f"{window_s * 1000:.0f} ms between the last look and ours would not have "
        f"been{sent if tag.guarded else ''}"
    )


def _plan(
    call: Pushing, wanted: Wanted, expected: Digest | None, forced: Sequence[Finding]
) -> PushPlan:
    overridden = [f"{one.rule} {one.subject}" for one in forced][:100]
    return PushPlan(
        target=replace(wanted.target, digest=None),
        raw=wanted.raw,
        media_type=wanted.media_type,
        expected=expected,
        children=wanted.new,
        further_tags=wanted.further_tags,
        copy=call.copy,
        notes={"forced": overridden} if overridden else {},
    )


def _bar(progress: Progress) -> str:
    size = max(progress.size_bytes, 1)
    share = min(progress.sent_bytes / size, 1.0)
    bar = ("#" * round(share * _BAR)).ljust(_BAR)
    return f"[{bar}] {share:4.0%} of {size / 1e6:,.1f} MB {progress.digest[7:19]}"
