import pytest

from mfl_lint.core.errors import Unreachable
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.proxies import Proxies


def chosen(environment: dict[str, str], url: str = "https://registry.example") -> str:
    scheme, _, address = url.partition("://")
    return str(Proxies(environment).choose(Origin.parse(scheme, address)) or "")


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://a.example", ""),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://a.example", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://a.example", ""),
        ({"http_proxy": "p:3128"}, "http://a.example", "http://p:3128"),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://up"}, "https://a.b", "http://low"),
        ({"ALL_PROXY": "https://p"}, "https://a.example", "https://p"),
        ({"HTTP_PROXY": "http://p"}, "http://127.0.0.1:5000", ""),
        ({"HTTP_PROXY": "http://p"}, "http://localhost:5000", ""),
    ],
)
def test_the_environment_names_the_proxy(
    environment: dict[str, str], url: str, expected: str
) -> None:
    assert expected == chosen(environment, url)


@pytest.mark.parametrize(
    ("listed", "url", "bypassed"),
    [
        ("*", "https://a.example", True),
        ("a.example", "https://a.example", True),
        ("other, .example", "https://a.example", True),
        ("example", "https://a.example", True),
        ("*.example", "https://a.example", True),
        ("ample", "https://a.example", False),
        ("a.example:5000", "https://a.example:5000", True),
        ("a.example:5001", "https://a.example:5000", False),
        ("10.0.0.0/8", "https://10.2.3.4", True),
        ("10.0.0.0/8", "https://11.2.3.4", False),
        ("10.0.0.0/99,nonsense/", "https://10.2.3.4", False),
        ("10.2.3.4", "https://10.2.3.4", True),
        ("2001:db8::1", "https://[2001:db8::1]", True),
        ("", "https://a.example", False),
    ],
)
def test_no_proxy_lists_what_is_asked_directly(listed: str, url: str, bypassed: bool) -> None:
    assert bypassed == (not chosen({"HTTPS_PROXY": "http://p", "NO_PROXY": listed}, url))


@pytest.mark.parametrize("proxy", ["socks5://p:1080", "http://", "http://[::"])
def test_a_proxy_that_cannot_be_used_is_said_so(proxy: str) -> None:
    with pytest.raises(Unreachable, match="HTTPS_PROXY"):
        chosen({"HTTPS_PROXY": proxy})
