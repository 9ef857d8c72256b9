import errno

import click
import pytest

from mfl_lint.cli.failures import (
    PipeClosed,
    Session,
    _answered,
    innermost,
    pipes_watched,
    scrubbed,
)
from mfl_lint.core.errors import (
    ConfigInvalid,
    MflLintError,
    ReferenceInvalid,
    StoreError,
    Unreachable,
)
from tests.cli.conftest import Command


def _raising(error: BaseException) -> click.Command:
    def fail() -> None:
        raise error

    return click.Command("fail", callback=fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigInvalid("http.timeout: bad"), 2),
        (ReferenceInvalid("no"), 2),
        (StoreError("locked"), 3),
        (Unreachable("down"), 3),
        (MflLintError("?"), 3),
    ],
)
def test_our_errors_are_one_line(
    error: MflLintError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == _answered([], _raising(error), Session())
    assert ("", f"mfl-lint: error: {error}\n") == capsys.readouterr()


def test_a_bug_is_one_line_that_names_debug(capsys: pytest.CaptureFixture[str]) -> None:
    assert 3 == _answered([], _raising(ValueError("a\nb\x1b[31m")), Session())
    expected = (
        "mfl-lint: error: this is a bug in mfl-lint: ValueError: a b\\x1b[31m; "
        "--debug shows the traceback\n"
    )
    assert expected == capsys.readouterr().err


def test_debug_shows_the_traceback_without_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session()
    session.debug = True
    error = ValueError("http://me:hunter2@proxy:3128 Basic aHVudGVyMg==")
    assert 3 == _answered([], _raising(error), session)
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "hunter2" not in err
    assert "aHVudGVyMg" not in err


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert 130 == _answered([], _raising(KeyboardInterrupt()), Session())
    assert "mfl-lint: interrupted" == capsys.readouterr().err.strip()


def test_a_closed_pipe_is_left_to_the_outermost() -> None:
    with pytest.raises(PipeClosed):
        _answered([], _raising(PipeClosed()), Session())
    with pytest.raises(PipeClosed), pipes_watched():
        raise OSError(errno.EPIPE, "Broken pipe")


def test_of_a_group_the_users_own_mistake_is_told() -> None:
    mistake = ConfigInvalid("x")
    group = BaseExceptionGroup("", [ValueError(), ExceptionGroup("", [mistake])])
    assert isinstance(innermost(group), ValueError)
    assert mistake is innermost(ExceptionGroup("", [ExceptionGroup("", [ValueError(), mistake])]))


def test_credentials_in_urls_and_headers_are_scrubbed() -> None:
    assert "https://…@host/x" == scrubbed("https://user:secret@host/x")
    assert "Authorization: Bearer …" == scrubbed("Authorization: Bearer abc.def")
    assert "nothing to hide" == scrubbed("nothing to hide")
    assert "{'Authorization': 'token …'}" == scrubbed("{'Authorization': 'token abc'}")
    assert "authorization=…" == scrubbed("authorization=abc")
    assert "no basic auth credentials" == scrubbed("no basic auth credentials")


def test_signed_urls_and_the_state_of_uploads_are_scrubbed() -> None:
    said = "URL('https://s3.test/blob?X-Amz-Signature=abc&X-Amz-Date=1') failed"
    assert "URL('https://s3.test/blob?…') failed" == scrubbed(said)
    assert "https://h/v2/app/blobs/uploads/1?… x" == scrubbed(
        "https://h/v2/app/blobs/uploads/1?_state=abc x"
    )


def test_a_wrong_option_is_named_as_it_was_given(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    see = "(see mfl-lint scan --help)\n"
    said = command("scan", "x", "--newest", "x").err
    assert f"mfl-lint: error: --newest: 'x' is no whole number {see}" == said
    monkeypatch.setenv("MFL_LINT_NEWEST", "y")
    said = command("scan", "x").err
    assert (
        f"mfl-lint: error: --newest (from $MFL_LINT_NEWEST): 'y' is no whole number {see}" == said
    )
