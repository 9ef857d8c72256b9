from mfl_lint.registry.traffic import Stats, outcome_of


def test_requests_are_counted_by_host_method_and_outcome() -> None:
    stats = Stats()
    stats.of("a").count("GET", "ok", 10)
    stats.of("a").count("GET", "ok", 5)
    stats.of("b").count("HEAD", "failed")
    assert {("GET", "ok"): 2} == stats.of("a").requests
    assert (3, 15) == (stats.requests, stats.received_bytes)


def test_outcomes_are_named_by_what_they_mean() -> None:
    statuses = [200, 307, 401, 403, 404, 418, 429, 503]
    expected = ["ok", "redirect", "denied", "denied", "not-found", "client-error"]
    assert [*expected, "rate-limited", "server-error"] == [outcome_of(one) for one in statuses]


def test_warnings_are_kept_once_each_and_bounded() -> None:
    traffic = Stats().of("a")
    for number in range(100):
        traffic.warn('299 - "the end is near"')
        traffic.warn(f'299 - "warning {number}"')
    traffic.warn('199 - "of another kind"')
    assert 20 == len(traffic.warnings)
    assert ["the end is near", "warning 0"] == list(traffic.warnings)[:2]
