import itertools
from collections.abc import Mapping

import pytest
import yarl
from multidict import CIMultiDict, CIMultiDictProxy

from mfl_lint.core.errors import BodyInvalid, Denied, RegistryError
from mfl_lint.core.reference import is_tag
from mfl_lint.registry.answer import Answer
from mfl_lint.registry.pages import Pages
from mfl_lint.registry.source import Listing

FIRST = yarl.URL("https://a.example/v2/app/tags/list?n=1000")


class Book:
    """Pages by path and query: a body and the next page's URL, or an error."""

    def __init__(self, pages: Mapping[str, tuple[bytes, str] | RegistryError]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def fetch(self, url: yarl.URL) -> Answer:
        self.asked.append(url.raw_path_qs)
        page = self.pages[url.raw_path_qs]
        if isinstance(page, RegistryError):
            raise page
        body, following = page
        fields = {"Link": f'<{following}>; rel="next"'} if following else {}
        return Answer("GET", url, 200, CIMultiDictProxy(CIMultiDict(fields)), body)

    async def read(self) -> Listing:
        return await Pages(self.fetch, "tags", is_tag).read(FIRST)


def tags(*names: str) -> bytes:
    return ('{"name": "app", "tags": [' + ", ".join(f'"{name}"' for name in names) + "]}").encode()


START = FIRST.raw_path_qs


async def test_all_pages_are_read_however_short_and_names_are_kept_once() -> None:
    pages = {
        START: (tags("b", "a"), "/v2/app/tags/list?last=a"),
        "/v2/app/tags/list?last=a": (tags(), "/v2/app/tags/list?cursor=opaque%3D"),
        "/v2/app/tags/list?cursor=opaque%3D": (tags("c", "a"), ""),
    }
    listing = await Book(pages).read()
    assert ("b", "a", "c") == listing.names
    assert listing.complete


@pytest.mark.parametrize("body", [b'{"tags": null}', b'{"tags": []}', b'{"tags":[],"child":[{}]}'])
async def test_null_and_nothing_are_an_empty_listing(body: bytes) -> None:
    assert Listing(()) == await Book({START: (body, "")}).read()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"tags": {}}', b'{"tags": "v1"}', b"[" * 100_000, b"\xff"],
)
async def test_what_is_no_listing_is_no_empty_one(body: bytes) -> None:
    with pytest.raises(BodyInvalid):
        await Book({START: (body, "")}).read()


async def test_names_that_are_none_are_dropped_and_told() -> None:
    body = b'{"tags": ["v1", "../x", "a b", "v2\\n", "", 7, null, ["v3"], "\\u202e", "v4"]}'
    listing = await Book({START: (body, "")}).read()
    assert ("v1", "v4") == listing.names
    assert (
        "listing a.example/v2/app/tags/list: 8 names that are none were dropped" == listing.problem
    )


@pytest.mark.parametrize("error", [Denied("no"), BodyInvalid("cut")])
async def test_a_first_page_that_fails_is_an_error(error: RegistryError) -> None:
    with pytest.raises(type(error)):
        await Book({START: error}).read()


@pytest.mark.parametrize("second", [Denied("no more"), (b"<html>", "")])
async def test_a_later_page_that_fails_leaves_the_listing_incomplete(
    second: tuple[bytes, str] | RegistryError,
) -> None:
    listing = await Book({START: (tags("a"), "/2"), "/2": second}).read()
    assert ("a",) == listing.names
    assert not listing.complete


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_circle_of_pages_is_left(length: int) -> None:
    urls = [START, *(f"/{number}" for number in range(1, length))]
    pages = {
        url: (tags(f"v{number}"), following)
        for number, (url, following) in enumerate(zip(urls, [*urls[1:], START], strict=True))
    }
    book = Book(pages)
    listing = await book.read()
    assert length == len(book.asked) == len(listing.names)
    assert "circle" in listing.problem


class Endless(Book):
    """Always one more page."""

    def __init__(self, *, new_names: bool) -> None:
        super().__init__({})
        self._numbers = itertools.count(1)
        self._new_names = new_names

    async def fetch(self, url: yarl.URL) -> Answer:
        number = next(self._numbers)
        name = f"v{number}" if self._new_names else "v1"
        self.pages = {url.raw_path_qs: (tags(name), f"/{number}")}
        return await super().fetch(url)


async def test_pages_without_end_are_left_at_ten_thousand() -> None:
    book = Endless(new_names=True)
    listing = await book.read()
    assert 10_000 == len(book.asked) == len(listing.names)
    assert "do not end" in listing.problem


async def test_pages_without_new_names_are_left_sooner() -> None:
    book = Endless(new_names=False)
    listing = await book.read()
    assert 11 == len(book.asked)
    assert "without new names" in listing.problem


@pytest.mark.parametrize(
    "link", ["https://evil.example/v2/", "http://a.example/v2/", "//b/", "https://a.example:5/"]
)
async def test_a_link_off_the_registry_is_not_followed(link: str) -> None:
    for pages in (
        {START: (tags("a", "b"), link)},
        {START: (tags("a"), "/2"), "/2": (tags("b"), link)},
    ):
        book = Book(pages)
        listing = await book.read()
        assert ("a", "b") == listing.names
        assert "off the registry" in listing.problem
        assert list(pages) == book.asked
