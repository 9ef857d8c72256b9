import pytest
import yarl

from mfl_lint.core.errors import BodyInvalid
from mfl_lint.registry.link import links, next_page

PAGE = yarl.URL("https://a.example:5000/v2/app/tags/list?n=1000", encoded=True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('</v2/app/tags/list?last=b%2Fc&n=1>; rel="next"', "/v2/app/tags/list?last=b%2Fc&n=1"),
        ("</v2/app/tags/list?last=x>; rel=next", "/v2/app/tags/list?last=x"),
        ('</v2/a>; title="a, b; c"; rel="prev next"', "/v2/a"),
        ('</v2/old>; rel="prev", </v2/new>; rel="NEXT"', "/v2/new"),
        ("</v2/x?token=opaque==>", "/v2/x?token=opaque=="),
        ("<?last=x>; rel=next", "/v2/app/tags/list?last=x"),
    ],
)
def test_the_next_page_is_taken_verbatim(header: str, expected: str) -> None:
    assert f"https://a.example:5000{expected}" == str(next_page([header], PAGE))


@pytest.mark.parametrize("headers", [[], ["</v2/x>; rel=prev"], ["</a>; rel=self", "</b>; rel=up"]])
def test_without_a_next_link_it_was_the_last_page(headers: list[str]) -> None:
    assert next_page(headers, PAGE) is None


@pytest.mark.parametrize(
    "target",
    [
        "https://b.example:5000/v2/x",
        "https://a.example/v2/x",
        "http://a.example:5000/v2/x",
        "//b.example/v2/x",
        "https://user@a.example:5000/v2/x",
        "https://a.example:5000@b.example/v2/x",
        "javascript:alert(1)",
        "https://a.example:99999/",
    ],
)
def test_a_link_off_the_registry_is_refused(target: str) -> None:
    with pytest.raises(BodyInvalid, match="off the registry"):
        next_page([f'<{target}>; rel="next"'], PAGE)


def test_the_parameters_of_a_link_are_unquoted() -> None:
    (link,) = links([r'</a>; Title="say \"hi\""; rel=next; flag'])
    assert {"title": 'say "hi"', "rel": "next", "flag": ""} == link.parameters
