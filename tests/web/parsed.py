"""Pages parsed as a browser does: elements, links, text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "wbr", "br"}
PAGES = (
    "/",
    "/registries/internal",
    "/registries/edge",
    "/registries/archive",
    "/r/internal/shop/checkout",
    "/r/internal/edge/sensor",
    "/r/hub/acme/agent-arm64",
    "/r/edge/fleet/probe",
    "/r/internal/shop/checkout?sort=worst&is=error,ok&lacks=linux/arm/v7",
    "/t/internal/shop/checkout:latest",
    "/plans/internal/shop/checkout:latest",
    "/pushes",
    "/t/internal/shop/checkout:3.9",
    "/t/internal/platform/gateway:latest",
    "/t/internal/edge/sensor:latest",
    "/t/internal/shop/legacy:old",
    "/t/edge/fleet/probe:latest",
    "/t/edge/fleet/partial:latest",
    "/d/internal/shop/checkout:latest",
    "/d/internal/shop/checkout:3.9",
    "/findings",
    "/findings?severity=error&state=open&registry=internal",
    "/findings?repository=nothing",
    "/findings?severity=error,warning&rule=MFL101&age=%3C30d&state=open",
    "/matrix",
    "/matrix?tag=3.9&repository=shop/*&platform=linux/arm64",
    "/matrix?repository=nothing",
    "/search?q=check",
    "/search?q=platform/gateway:2",
    "/search?q=nothing-of-this-name",
    "/rules",
    "/rules/MFL101",
    "/rules/MFL213",
    "/crawls",
    "/crawls?registry=hub",
    "/crawls/1",
    "/crawls/19",
    "/hooks",
)


class ParsedPage(HTMLParser):
    """The elements of a page with their attributes, its links and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """Return the page's text, spaces joined."""
        return " ".join("".join(self.words).split())

    @property
    def links(self) -> list[str]:
        """Return where the page's anchors and links lead."""
        return [
            attributes["href"] or ""
            for tag, attributes in self.elements
            if tag in ("a", "link") and "href" in attributes
        ]

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]
