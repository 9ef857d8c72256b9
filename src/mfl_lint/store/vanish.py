"""Tags that answer 404: held first, declared gone later, some hundred in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select, true, update

from mfl_lint.core.observation import LookState
from mfl_lint.core.truth import FindingState, Settlement
from mfl_lint.store.counters import Place, Tally, write_tally
from mfl_lint.store.engine import Store
from mfl_lint.store.pace import paced
from mfl_lint.store.revisions import touch
from mfl_lint.store.settlements import TagInPlace, write_settlements
from mfl_lint.store.statements import all_rows, chunks, fetch_in, one_row, registry_id
from mfl_lint.store.tables import findings, registries, repositories, tags

Key = tuple[int, str]
_AT_ONCE: Final = 500


async def missing_tags(
    store: Store, registry: str, before: datetime
) -> tuple[tuple[int, str, str], ...]:
    """Return (repository id, repository, tag) of the watched tags missing since `before` or longer.

    Their last look too ended in absent: one that could not be looked at since is not known to
    be missing still. Those that are gone already are left out.
    """
    query = (
        select(repositories.c.id, repositories.c.name.label("repository"), tags.c.name)
        .join(repositories, repositories.c.id == tags.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .where(registries.c.name == registry, repositories.c.watched.is_(true()))
        .where(tags.c.missing_since <= before, tags.c.gone_at.is_(None))
        .where(tags.c.look == LookState.ABSENT.value, tags.c.watched.is_(true()))
        .order_by(repositories.c.name, tags.c.name)
    )
    rows = await store.read(all_rows, query)
    return tuple((row.id, row.repository, row.name) for row in rows)


async def tag_count(store: Store, registry: str) -> int:
    """Return how many watched tags the registry has that are not gone."""
    row = await store.read(one_row, select(registries.c.tags).where(registries.c.name == registry))
    return int(row.tags) if row is not None else 0


async def declare_gone(
    store: Store,
    registry: str,
    keys: Sequence[Key],
    settlements: Mapping[Key, Settlement],
    now: datetime,
) -> None:
    """Make the tags (repository id, tag) gone, with what becomes of their findings.

    A tag whose last look is absent no more is left out, with its settlement. It is many short
    transactions: what is left where that is cut off is absent still, and declared next time.
    """
    for part in chunks(sorted(keys), _AT_ONCE):
        known = {key: settlements[key] for key in part if key in settlements}
        await paced(partial(store.write, _declare_all, registry, part, known, now))


async def settle_gone_tags(
    store: Store, registry: str, settlements: Mapping[Key, Settlement], now: datetime
) -> None:
    """Write what becomes of findings of tags that are gone; one that is back is left out.

    In as many short transactions as in `declare_gone`.
    """
    for part in chunks(sorted(settlements), _AT_ONCE):
        known = {key: settlements[key] for key in part}
        await paced(partial(store.write, _settle_all, registry, known, now))


async def gone_tags(
    store: Store, registry: str, rule: str, before: datetime
) -> tuple[tuple[int, str, str], ...]:
    """Return (repository id, repository, tag) of tags gone since `before` or longer.

    Only watched ones of which the rule's finding stands, and whose repository could be listed, or
    is known to be gone: of a registry that is down nothing changes.
    """
    query = (
        select(repositories.c.id, repositories.c.name.label("repository"), tags.c.name)
        .join(repositories, repositories.c.id == tags.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .join(findings, findings.c.tag_id == tags.c.id)
        .where(registries.c.name == registry, repositories.c.watched.is_(true()))
        .where(repositories.c.look.in_((LookState.VERIFIED.value, LookState.ABSENT.value)))
        .where(tags.c.gone_at <= before, tags.c.watched.is_(true()))
        .where(findings.c.rule == rule, findings.c.state != FindingState.RESOLVED.value)
        .order_by(repositories.c.name, tags.c.name)
    )
    rows = await store.read(all_rows, query)
    return tuple((row.id, row.repository, row.name) for row in rows)


def _settle_all(
    connection: Connection, registry: str, settlements: Mapping[Key, Settlement], now: datetime
) -> int:
    above = registry_id(connection, registry)
    numbers = sorted({repository for repository, _ in settlements})
    held = [_hold(connection, above, repository) for repository in numbers]
    for place in (place for place in held if place is not None):
        names = [name for number, name in settlements if number == place.repository_id]
        gone = select(tags.c.id, tags.c.name, tags.c.watched).where(
            tags.c.repository_id == place.repository_id, tags.c.gone_at.is_not(None)
        )
        rows: list[Any] = fetch_in(connection, gone, tags.c.name, names)
        known = {row.name: TagInPlace(row.id, row.watched) for row in rows}
        chosen = [settlements[place.repository_id, name] for name in known]
        tally = Tally()
        write_settlements(connection, place, chosen, known, tally)
        write_tally(connection, place, tally, now)
    touch(connection, above)
    return len(settlements)


def _declare_all(
    connection: Connection,
    registry: str,
    keys: Sequence[Key],
    settlements: Mapping[Key, Settlement],
    now: datetime,
) -> int:
    numbers = sorted({repository for repository, _ in keys})
    above = registry_id(connection, registry)
    # All are held before the registry's counters are: as every other writer does it.
    held = [_hold(connection, above, repository) for repository in numbers]
    for place in (place for place in held if place is not None):
        names = [name for number, name in keys if number == place.repository_id]
        _declare(connection, place, names, settlements, now)
    touch(connection, above)
    return len(keys)


def _hold(connection: Connection, above: int, repository: int) -> Place | None:
    """Return a repository of the registry, whose rows nobody else writes until the end."""
    query = select(repositories.c.watched).where(
        repositories.c.id == repository, repositories.c.registry_id == above
    )
    row = connection.execute(query.with_for_update(key_share=True)).one_or_none()
    return None if row is None else Place(above, repository, row.watched)


def _declare(
    connection: Connection,
    place: Place,
    names: Sequence[str],
    settlements: Mapping[Key, Settlement],
    now: datetime,
) -> None:
    missing = select(tags.c.id, tags.c.name, tags.c.watched).where(
        tags.c.repository_id == place.repository_id,
        tags.c.missing_since.is_not(None),
        tags.c.gone_at.is_(None),
        tags.c.look == LookState.ABSENT.value,
    )
    rows: list[Any] = fetch_in(connection, missing, tags.c.name, names)
    for chunk in chunks(row.id for row in rows):
        connection.execute(update(tags).where(tags.c.id.in_(chunk)).values(gone_at=now))
    tally = Tally()
    tally.total["tags"] -= sum(row.watched for row in rows)
    known = {row.name: TagInPlace(row.id, row.watched) for row in rows}
    given = ((place.repository_id, name) for name in known)
    chosen = [settlements[key] for key in given if key in settlements]
    write_settlements(connection, place, chosen, known, tally)
    write_tally(connection, place, tally, now)
