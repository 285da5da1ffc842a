"""Who rents accelerators out: how people call them, and where the company has its seat."""

from collections.abc import Mapping

from catalogs.records.facts import Identifier, Record


class Provider(Record):
    """A company that rents accelerators out."""

    id: str
    """As offers have it."""
    name: str
    seat: Identifier
    """Id of the country, among the places."""
    aliases: tuple[str, ...] = ()
    hyperscaler: bool = False
    """One of the large clouds."""
    vcpus: Mapping[str, int] = {}
    """Of instances whose quota counts vCPUs, by the instance's name in lower case."""
    vcpus_source: str = ""
