from mfl_lint.report.paper import Paper


def test_markup_is_shown_as_it_is() -> None:
    paper = Paper()
    paper.line("[bold]x[/bold] :smile: http://x")
    assert "[bold]x[/bold] :smile: http://x\n" == paper.text()


def test_a_line_is_never_broken_and_a_block_always_begins_alike() -> None:
    paper = Paper(40)
    paper.line("x" * 100)
    paper.block("│ ", ["::set-env " * 20])
    first, *rest = paper.text().splitlines()
    assert "x" * 100 == first
    assert len(rest) > 3
    assert all(row.startswith("│ ") and len(row) <= 40 for row in rest)


def test_each_row_of_a_table_begins_with_its_frame() -> None:
    for unicode, frame in ((True, "╭│├╰"), (False, "+|")):
        paper = Paper(40, unicode=unicode)
        paper.table(("a", "b"), [(("", "::set-env " * 10), "")])
        assert all(row[0] in frame for row in paper.text().splitlines())


def test_colour_only_where_it_is_wanted() -> None:
    plain, coloured = Paper(), Paper(color=True)
    for paper in (plain, coloured):
        paper.line(("x", "red"))
    assert "x\n" == plain.text()
    assert "\x1b[31mx" in coloured.text()
