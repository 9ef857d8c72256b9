"""Messages, silences and acknowledgements of a store that pages are shown of."""

from __future__ import annotations

from datetime import datetime, timedelta

from mfl_lint.core.messages import Draft, MessageState, Notice, Outcome
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.core.policy import Ignore
from mfl_lint.core.views import FindingFilter
from mfl_lint.store import handling, messages, views
from mfl_lint.store.engine import Store

_STATES = {
    MessageState.SENT: "",
    MessageState.DEAD: "the receiver answered 410",
    MessageState.PENDING: "no answer within 15 s",
}


async def fill_alerts(store: Store, now: datetime, words: str = "", mark: str = "") -> None:
    """Add a message in each state for each registry; silence one, acknowledge a finding.

    `words` stand wherever somebody else chooses what is said.
    """
    for registry in ("hub", "internal"):
        for state, problem in _STATES.items():
            at = now - timedelta(hours=len(state))
            key = f"{registry} {state}{mark}"
            group = Group("team", registry)
            item = News(key, Kind.OPENED, at, registry, message=words or "broken")
            notice = Notice(key, "team", group, at, (item,))
            title = f"{registry}: 2 broken {words}"
            await messages.add_drafts(store, [Draft(notice, "team-chat", title)], at)
            (one,) = (await messages.deliveries(store, limit=1)).items
            again = now + timedelta(minutes=3) if state is MessageState.PENDING else None
            told = Outcome(one.id, state, problem and f"{problem} {words}", again)
            await messages.finish(store, "", [told], at)
    until = now + timedelta(days=2)
    quiet = Ignore("MFL3*", words or "they are renamed", "hub", "acme/*", "*", until)
    await handling.set_silence(store, quiet, who="ann", now=now)
    for registry in ("internal", "hub"):
        page = await views.findings_page(store, FindingFilter(registry=registry), limit=1)
        for view in page.items:
            fingerprint, reason = view.finding.fingerprint, words or "rebuilt in the next release"
            await handling.acknowledge(store, fingerprint, reason, who="bob", now=now)
