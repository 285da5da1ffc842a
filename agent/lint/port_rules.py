"""Rules about pods that serve: Services, probes and scrapes lead to ports on which somebody listens."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import Pack
from agent.lint.servers import Server
from catalogs.errors import listed, quoted

PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
CHECKS: Final = ("httpGet", "tcpSocket", "grpc")


class Ports(Struct, frozen=True):
    """On which ports a pod can be reached, as far as its manifest says."""

    named: dict[str, int]
    numbers: frozenset[int]
    """Declared, or listened on by a flag."""
    all_said: bool
    """Whether every container says its own: an undeclared port may be a silent one's."""

    def lack(self, port: Any) -> bool:
        """Return whether a port, by name or number, is surely none of the pod's."""
        if isinstance(port, str):
            return bool(self.numbers) and port not in self.named
        return self.all_said and isinstance(port, int) and port not in self.numbers

    @property
    def shown(self) -> str:
        """What there is: 'http (8000)'."""
        names = {number: name for name, number in self.named.items()}
        return listed([f"{names[one]} ({one})" if one in names else str(one) for one in sorted(self.numbers)])


def port_findings(pack: Pack, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield ports of servers, probes, Services and scrapes on which nobody listens."""
    for server in servers:
        if server.pod is None:
            continue
        own = _ports_of(server.document, (server.path,), [server])
        declared = _declared(server.document, server.path)
        if declared and server.listens is not None and server.listens not in declared:
            place = (*server.path, "ports", 0, "containerPort")
            there = listed([str(number) for number in sorted(declared)])
            sentence = f"it listens on {server.listens} (--port), and the port that it declares is {there}"
            yield found("L6", server.document, place, sentence, f"containerPort: {server.listens}")
        yield from _probes(server, own)
    for document in pack.of_kind("Service", "PodMonitor"):
        yield from _led(document, servers)


def _probes(server: Server, own: Ports) -> Iterator[Finding]:
    for probe in PROBES:
        for check in CHECKS:
            place = (*server.path, probe, check, "port")
            port = server.document.at(place)
            if own.lack(port):
                sentence = f"the {probe} asks port {quoted(port)}, and the container has {own.shown}"
                yield found("L6", server.document, place, sentence, f"port: {min(own.named, default=server.listens)}")


def _led(document: Document, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield the ports of a Service or a PodMonitor that none of the pods has that it selects."""
    service = document.at(("kind",)) == "Service"
    selector = document.table(("spec", "selector") if service else ("spec", "selector", "matchLabels"))
    pods = {
        (id(one.document), one.pod): one
        for one in servers
        if one.pod is not None and selector and _selects(document, selector, one)
    }
    found_ports = [_ports_of_pod(one, servers) for one in pods.values()]
    for place, one in document.rows(("spec", "ports" if service else "podMetricsEndpoints")) if pods else ():
        name = "targetPort" if service and one.get("targetPort") is not None else "port"
        port = one.get(name)
        if all(ports.lack(port) for ports in found_ports):
            server, ports = next(iter(pods.values())), found_ports[0]
            sentence = f"it leads to port {quoted(port)}, and the pods of {server.document.shown} have {ports.shown}"
            fix = f"{name}: {min(ports.named, default=min(ports.numbers, default=''))}"
            yield found("L6", document, (*place, name), sentence, fix)


def _selects(document: Document, selector: dict[str, Any], server: Server) -> bool:
    """Return whether an object selects a server's pods."""
    assert server.pod is not None
    labels = server.document.table((*server.pod[:-1], "metadata", "labels"))
    spaces = {one.at(("metadata", "namespace")) for one in (document, server.document)} - {None}
    return len(spaces) < 2 and selector.items() <= labels.items()


def _ports_of_pod(server: Server, servers: Sequence[Server]) -> Ports:
    """Return the ports of all containers of a server's pod."""
    assert server.pod is not None
    containers = server.document.at((*server.pod, "containers"))
    paths = [(*server.pod, "containers", place) for place in range(len(containers))]
    return _ports_of(server.document, paths, [one for one in servers if one.document is server.document])


def _ports_of(document: Document, containers: Sequence[Path], servers: Sequence[Server]) -> Ports:
    """Return the ports of containers.

    Args:
        containers: their paths.
        servers: those among them that serve a model, with what their flags say.
    """
    named: dict[str, int] = {}
    numbers: set[int] = set()
    all_said = True
    for path in containers:
        own = _declared(document, path)
        listens = {one.listens for one in servers if one.path == path and one.listens is not None}
        named |= {name: number for number, name in own.items() if name}
        numbers |= own.keys() | listens
        all_said = all_said and bool(own or listens)
    return Ports(named, frozenset(numbers), all_said)


def _declared(document: Document, container: Path) -> dict[int, str]:
    """Return the names of the ports that a container declares, by number; '' of one without."""
    return {
        number: str(one.get("name") or "")
        for _, one in document.rows((*container, "ports"))
        if isinstance(number := one.get("containerPort"), int)
    }
