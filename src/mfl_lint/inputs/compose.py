"""The images of a Compose file.

Source: Compose specification (services, volumes, interpolation, extends, include).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mfl_lint.inputs.found import Collector, Contents, Follow
from mfl_lint.inputs.variables import fill_compose
from mfl_lint.inputs.yaml_tree import Fields, Node, Scalar, Sequence

_MAX_EXTENDS: Final = 20


def read_compose(roots: list[Node], file: str, values: Mapping[str, str]) -> Contents:
    """Return the images of the services, with the variables' `values` filled in."""
    reader = _Reader(Collector(file), values)
    for root in roots:
        if isinstance(root, Fields):
            reader.read(root)
    return reader.collector.contents()


class _Reader:
    def __init__(self, collector: Collector, values: Mapping[str, str]) -> None:
        self.collector = collector
        self._values = values

    def read(self, root: Fields) -> None:
        """Read one document."""
        services = root.mapping("services")
        named = dict(services.fields) if services is not None else {}
        for name, service in named.items():
            if isinstance(service, Fields):
                self._service(name, service, named)
        for item in root.sequence("include"):
            self._include(item)

    def _include(self, item: Node) -> None:
        """Follow other Compose files, in all the forms of `include`."""
        path = item.at("path") if isinstance(item, Fields) else item
        variables = item.at("env_file") if isinstance(item, Fields) else None
        if variables is not None:
            said = "the variables of this env_file are not read: set them in the environment"
            self.collector.note(variables.line, said)
        for one in path.items if isinstance(path, Sequence) else (path,):
            if isinstance(one, Scalar):
                self._follow(one)

    def _service(self, name: str, service: Fields, services: Mapping[str, Node]) -> None:
        chain = list(self._chain(service, services))
        for mounted in _mounted(chain):
            text = self._fill(mounted)
            if text:
                self.collector.reference(text, mounted.line)
        image = _first(chain, "image")
        if image is None:
            self._without_image(name, service, chain)
            return
        text = self._fill(image)
        if text:
            self._pulled(name, text, image.line, chain)

    def _pulled(self, name: str, text: str, line: int, chain: list[Fields]) -> None:
        """Note a service's image, with the platform that the service asks for."""
        platform = _first(chain, "platform")
        wanted = self._fill(platform) if platform is not None else None
        platforms = self.collector.platform(wanted, platform.line) if platform and wanted else ()
        is_built = any(one.at("build") is not None for one in chain)
        note = f"service {name[:60]} can also build it" if is_built else ""
        self.collector.reference(text, line, platforms, note)

    def _without_image(self, name: str, service: Fields, chain: list[Fields]) -> None:
        if any(one.at("build") is not None for one in chain):
            said = f"service {name[:60]} is built, not pulled: not scanned; give its Dockerfile"
        else:
            said = f"service {name[:60]} names no image"
        self.collector.note(service.line, said)

    def _chain(self, service: Fields, services: Mapping[str, Node]) -> Iterator[Fields]:
        """Yield the service and what it extends, in this file; other files are followed."""
        for _ in range(_MAX_EXTENDS):
            yield service
            extends = service.at("extends")
            base: Scalar | None = None
            if isinstance(extends, Fields):
                if (path := extends.scalar("file")) is not None:
                    self._follow(path)
                    return
                base = extends.scalar("service")
            elif isinstance(extends, Scalar):
                base = extends
            found = services.get(base.text) if base is not None else None
            if not isinstance(found, Fields):
                return
            service = found

    def _follow(self, path: Scalar) -> None:
        text = self._fill(path)
        if text:
            self.collector.follow(Follow(text, path.line))

    def _fill(self, scalar: Scalar) -> str | None:
        """Return the text with its variables; what has no value is noted, and gives None."""
        filled = fill_compose(scalar.text.strip(), self._values)
        if not filled.why:
            return filled.text
        name = filled.unset
        cure = f"; set {name} in the environment or in .env" if name else ""
        self.collector.unresolved(scalar.text, scalar.line, f"{filled.why}{cure}")
        return None


def _first(chain: list[Fields], key: str) -> Scalar | None:
    found = (service.scalar(key) for service in chain)
    return next((scalar for scalar in found if scalar is not None and scalar.text), None)


def _mounted(chain: list[Fields]) -> Iterator[Scalar]:
    """Yield the images that a service has as volumes."""
    for volume in (item for service in chain for item in service.mappings("volumes")):
        kind, source = volume.scalar("type"), volume.scalar("source")
        if kind is not None and kind.text == "image" and source is not None:
            yield source
