"""Users, API tokens, sessions and the audit, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from mfl_lint.core.access import Person, Right, Role
from mfl_lint.core.errors import CursorInvalid, Refused, StoreError
from mfl_lint.core.secret import secret_digest
from mfl_lint.store import api_tokens, audit, sessions, users
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows, run
from tests.store.batches import NOW, later

SHELL = "shell:me"


async def add(store: Store, name: str = "alice", role: Role = Role.EDITOR) -> None:
    await users.add_user(store, name, role, "scrypt:…", who=SHELL, now=NOW)


async def add_token(store: Store, secret: str = "t", name: str = "ci", **options: object) -> None:
    expires = options.get("expires")
    assert expires is None or expires == later(days=1)
    await api_tokens.add_token(
        store,
        "alice",
        name,
        secret_digest(secret),
        {Right.SCAN, Right.READ},
        expires=later(days=1) if expires else None,
        who=SHELL,
        now=NOW,
    )


async def test_a_user_is_added_once_listed_and_removed(store: Store) -> None:
    assert not await users.any_user(store)
    await add(store)
    await add(store, "bob", Role.ADMIN)
    with pytest.raises(Refused, match="already"):
        await add(store)
    (alice, bob) = await users.all_users(store)
    assert ("alice", Role.EDITOR, False, True) == (
        alice.name,
        alice.role,
        alice.disabled,
        alice.has_password,
    )
    assert Role.ADMIN == bob.role
    assert await users.any_user(store)
    await users.remove_user(store, "alice", who=SHELL, now=NOW)
    assert None is await users.user(store, "alice")


async def test_what_nobody_is_called_is_refused(store: Store) -> None:
    for change in (
        users.remove_user(store, "nobody", who=SHELL, now=NOW),
        users.set_role(store, "nobody", Role.ADMIN, who=SHELL, now=NOW),
        users.set_password(store, "nobody", "x", who=SHELL, now=NOW),
        users.set_disabled(store, "nobody", True, who=SHELL, now=NOW),
        sessions.begin_session(store, "nobody", "d", now=NOW, expires=later(days=1)),
        add_token(store),
        api_tokens.revoke_token(store, "nothing", who=SHELL, now=NOW),
    ):
        with pytest.raises(Refused):
            await change
    assert () == (await audit.deeds(store)).items


async def test_somebody_whom_an_issuer_vouches_for_stays_what_they_are(store: Store) -> None:
    await add(store, role=Role.ADMIN)
    for name in ("alice", "carol", "carol"):
        await users.known_or_new(store, name, Role.VIEWER, who=name, now=NOW)
    assert [Role.ADMIN, Role.VIEWER] == [one.role for one in await users.all_users(store)]
    assert "" == await users.kept_password(store, "carol")


async def test_a_session_is_known_by_its_hash_until_it_ends(store: Store) -> None:
    await add(store)
    await sessions.begin_session(store, "alice", "one", now=NOW, expires=later(hours=1))
    assert Person("alice", Role.EDITOR) == await sessions.signed_in(store, "one", NOW)
    assert None is await sessions.signed_in(store, "one", later(hours=1))
    assert None is await sessions.signed_in(store, "other", NOW)
    await sessions.end_session(store, "one", who="alice", now=NOW)
    assert None is await sessions.signed_in(store, "one", NOW)


async def test_a_new_password_role_or_a_disabled_user_ends_sessions(store: Store) -> None:
    await add(store)
    for number in range(3):
        await sessions.begin_session(store, "alice", str(number), now=NOW, expires=later(days=1))
        if number == 0:
            await users.set_password(store, "alice", "other", who=SHELL, now=NOW)
        elif number == 1:
            await users.set_role(store, "alice", Role.VIEWER, who=SHELL, now=NOW)
        else:
            await users.set_disabled(store, "alice", True, who=SHELL, now=NOW)
        assert None is await sessions.signed_in(store, str(number), NOW)
    with pytest.raises(Refused):
        await sessions.begin_session(store, "alice", "x", now=NOW, expires=later(days=1))
    assert "" == await users.kept_password(store, "alice")
    await users.set_disabled(store, "alice", False, who=SHELL, now=NOW)
    assert "other" == await users.kept_password(store, "alice")


async def test_sessions_that_are_over_are_forgotten(store: Store) -> None:
    await add(store)
    for number in range(3):
        end = later(hours=number + 1)
        await sessions.begin_session(
            store, "alice", str(number), now=later(hours=number), expires=end
        )
    rows = await store.read(all_rows, text("SELECT digest FROM sessions"))
    assert ["2"] == [row.digest for row in rows]


async def test_a_token_says_who_sends_it_until_it_is_over_or_revoked(store: Store) -> None:
    await add(store)
    await add_token(store, expires=later(days=1))
    sent = secret_digest("t")
    wanted = Person("alice", Role.EDITOR, frozenset({Right.READ, Right.SCAN}))
    assert wanted == await api_tokens.bearer(store, sent, NOW)
    assert None is await api_tokens.bearer(store, sent, later(days=1))
    assert None is await api_tokens.bearer(store, secret_digest("other"), NOW)
    await users.set_disabled(store, "alice", True, who=SHELL, now=NOW)
    assert None is await api_tokens.bearer(store, sent, NOW)
    await users.set_disabled(store, "alice", False, who=SHELL, now=NOW)
    assert await api_tokens.revoke_token(store, "ci", who=SHELL, now=NOW)
    assert not await api_tokens.revoke_token(store, "ci", who=SHELL, now=NOW)
    assert None is await api_tokens.bearer(store, sent, NOW)


async def test_a_tokens_name_is_used_once(store: Store) -> None:
    await add(store)
    await add_token(store)
    with pytest.raises(Refused, match="already"):
        await add_token(store, "other")


async def test_the_use_of_a_token_is_noted_once_a_minute(store: Store) -> None:
    await add(store)
    await add_token(store)
    used = []
    for seconds in (0, 59, 60, 61):
        await api_tokens.bearer(store, secret_digest("t"), NOW + timedelta(seconds=seconds))
        used.append((await api_tokens.all_tokens(store))[0].last_used_at)
    assert [NOW, NOW, later(seconds=60), later(seconds=60)] == used


async def test_nobody_can_read_a_secret_out_of_the_database(store: Store) -> None:
    await add(store)
    await add_token(store, "secret-of-the-token")
    for table in ("users", "api_tokens", "sessions", "audit"):
        rows = await store.read(all_rows, text(f"SELECT * FROM {table}"))
        assert "secret-of-the-token" not in str(rows)


async def test_a_user_goes_with_tokens_and_sessions(store: Store) -> None:
    await add(store)
    await add_token(store)
    await sessions.begin_session(store, "alice", "s", now=NOW, expires=later(days=1))
    await users.remove_user(store, "alice", who=SHELL, now=NOW)
    assert () == await api_tokens.all_tokens(store)
    assert None is await sessions.signed_in(store, "s", NOW)


async def test_every_deed_is_written_down_the_newest_first(store: Store) -> None:
    await add(store)
    await add_token(store)
    await users.set_role(store, "alice", Role.ADMIN, who="root", now=later(days=1))
    first = await audit.deeds(store, limit=2)
    rest = await audit.deeds(store, first.next_cursor, limit=2)
    assert [
        ("root", "user.role", "alice as admin"),
        (SHELL, "token.add", "ci of alice: read scan"),
        (SHELL, "user.add", "alice as editor"),
    ] == [(one.who, one.action, one.subject) for one in (*first.items, *rest.items)]
    assert (later(days=1), None) == (first.items[0].at, rest.next_cursor)
    with pytest.raises(CursorInvalid):
        await audit.deeds(store, "nonsense")


async def test_an_error_of_the_database_shows_nothing_that_was_written(store: Store) -> None:
    written = "".join(("ha", "sh"))
    new = text("INSERT INTO users (name) VALUES (:name)").bindparams(name=written)
    with pytest.raises(StoreError) as failed:
        await store.write(run, new)
    assert written not in str(failed.value)
    assert "parameters hidden" in str(failed.value.__cause__)
