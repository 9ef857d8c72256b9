import pytest
import yarl

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.origin import Origin, api_host, candidates, is_docker_hub


def never(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("scheme", "address", "netloc", "port"),
    [
        ("https", "Registry.Example", "registry.example", 443),
        ("http", "registry.example:5000", "registry.example:5000", 5000),
        ("http", "[::1]:5000", "[::1]:5000", 5000),
        ("https", "[2001:DB8::1]", "[2001:db8::1]", 443),
    ],
)
def test_an_address_becomes_an_origin(scheme: str, address: str, netloc: str, port: int) -> None:
    origin = Origin.parse(scheme, address)
    assert (netloc, port) == (origin.netloc, origin.port)
    assert origin == Origin.of(origin.url("/v2/"))


@pytest.mark.parametrize("address", ["", "a/b", "a:0", "a:65536", "a:b", "a\n", "u@a", "::1", "a:"])
def test_what_is_no_host_is_a_mistake_in_the_configuration(address: str) -> None:
    with pytest.raises(ConfigInvalid, match="host"):
        Origin.parse("https", address)


@pytest.mark.parametrize("url", ["/v2/", "ftp://a/", "//a/b", "http://"])
def test_only_absolute_http_urls_have_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"absolute|Host|host"):
        Origin.of(yarl.URL(url))


def test_urls_keep_every_byte_of_path_and_query() -> None:
    origin = Origin.parse("https", "a.example")
    given = "/v2/app/manifests/sha256:00?last=a%2Fb&n=1"
    assert f"https://a.example{given}" == str(origin.url(given))
    assert "https://a.example/v2/app/manifests/sha256:00" == str(
        origin.url("/v2/app/manifests/sha256:00")
    )


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("registry.example", Scheme.AUTO, ["https"]),
        ("registry.example", Scheme.HTTP, ["http"]),
        ("127.0.0.1:5000", Scheme.AUTO, ["https", "http"]),
        ("localhost:5000", Scheme.AUTO, ["https", "http"]),
        ("127.0.0.1:5000", Scheme.HTTPS, ["https"]),
    ],
)
def test_loopback_is_tried_with_both_schemes(
    host: str, scheme: Scheme, expected: list[str]
) -> None:
    tried = candidates(RegistryConfig("r", host, scheme=scheme), never)
    assert expected == [origin.scheme for origin in tried]


def test_a_host_that_docker_lists_as_insecure_is_tried_with_both_schemes() -> None:
    tried = candidates(RegistryConfig("r", "old.example"), lambda host: host == "old.example")
    assert ["https", "http"] == [origin.scheme for origin in tried]


def test_docker_hub_is_asked_at_the_host_of_its_api() -> None:
    assert "registry-1.docker.io" == api_host("docker.io")
    assert is_docker_hub("index.docker.io")
    assert "ghcr.io" == api_host("ghcr.io")
