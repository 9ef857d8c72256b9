"""How long what is over is kept, as frozen values."""

from __future__ import annotations

from mfl_lint.config_kinds import Seconds, Settings


class RetentionConfig(Settings, frozen=True):
    """How long what is over is kept; 0 = for ever.

    `history`: what tags pointed at before, but for the last eight of each. `resolved`: findings
    since they resolved, with their changes. `transitions`: changes, but for the last one of each
    finding that stands. `crawls`: but for the last hundred of each registry, and
    the first. `ignores`: they, silences and acknowledgements, since they ended. `dead_letters`:
    messages that no channel took. `audit`: who did and pushed what. `documents`: what nothing
    leads to any more, since that was noticed.
    """

    history_s: Seconds = 0.0
    resolved_s: Seconds = 0.0
    transitions_s: Seconds = 0.0
    crawls_s: Seconds = 365 * 86400.0
    ignores_s: Seconds = 365 * 86400.0
    dead_letters_s: Seconds = 365 * 86400.0
    audit_s: Seconds = 0.0
    documents_s: Seconds = 7 * 86400.0
