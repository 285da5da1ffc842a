"""Places: cities with the regions of clouds in them, countries, continents; and which offers are nearest to one."""

from collections.abc import Iterable, Mapping
from math import asin, cos, radians, sin, sqrt

from msgspec import Struct, field

from catalogs.names import letters_of
from catalogs.records.facts import Identifier, Record
from catalogs.records.prices import RentalOffer

EARTH_RADIUS_KM = 6371.0
"""Mean radius (IUGG)."""

NEAR_KM = 2500.0
"""Between places of which one may stand in for the other: there and back take 25 ms in fibre (200,000 km/s)."""


class Place(Record):
    """A city, a country or a continent, as people name where they want accelerators."""

    id: Identifier
    name: str
    aliases: tuple[str, ...] = ()
    country: Identifier | None = None
    """Of a city; of a city state its continent."""
    continent: Identifier | None = None
    """Of a country."""
    latitude: float | None = None
    """Degrees, of a city."""
    longitude: float | None = None
    regions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes of the regions that lie there, by provider."""

    def kilometres_to(self, other: "Place") -> float:
        """Return the great-circle distance between two cities (haversine formula); infinite where one is no city."""
        if self.latitude is None or self.longitude is None or other.latitude is None or other.longitude is None:
            return float("inf")
        north, east = radians(other.latitude - self.latitude) / 2, radians(other.longitude - self.longitude) / 2
        across = cos(radians(self.latitude)) * cos(radians(other.latitude)) * sin(east) ** 2
        return 2 * EARTH_RADIUS_KM * asin(sqrt(sin(north) ** 2 + across))


class Places:
    """The places of a catalog."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self.places = places
        self.by_letters: dict[str, str] = {}
        """Ids of places by the letters of their names."""
        self._of_region: dict[tuple[str, str], str] = {}
        for place in places.values():
            for provider, codes in place.regions.items():
                for code in codes:
                    self._of_region[provider, code.lower()] = place.id
        for place in places.values():
            for spelling in (place.id, place.name, *place.aliases):
                self.by_letters.setdefault(letters_of(spelling), place.id)
        self._exact: dict[str, tuple[str, str]] = {}
        for provider, code in self._of_region:
            self._exact.setdefault(code, (provider, code))
        self._codes = {letters_of(code): known for code, known in self._exact.items()}

    def called(self, text: str) -> Place | None:
        """Return the place that a name means: 'Frankfurt', 'the Netherlands', 'Northern Virginia'."""
        found = self.by_letters.get(letters_of(text))
        return self.places[found] if found else None

    def region(self, text: str) -> tuple[str, str] | None:
        """Return the provider and the code of a region by its code or name: 'West Europe' is westeurope of azure."""
        exact = self._exact.get(text.lower())
        return exact or self._codes.get(letters_of(text))  # us-east-1 is not us-east1

    def of_region(self, code: str, provider: str | None = None) -> Place | None:
        """Return the city in which a region lies; of any provider where none is given."""
        known = (provider, code.lower()) if provider else self._exact.get(code.lower())
        place = self._of_region.get(known) if known else None
        return self.places[place] if place else None

    def inside(self, place: Place, outer: Place) -> bool:
        """Whether a place is another one, or lies in it."""
        at: Place | None = place
        while at is not None:
            if at.id == outer.id:
                return True
            above = at.country or at.continent
            at = self.places.get(above) if above and above != at.id else None
        return False

    def codes_in(self, place: Place, provider: str) -> tuple[str, ...]:
        """Return the codes of a provider's regions in a place."""
        inside = (city for city in self.places.values() if city.regions and self.inside(city, place))
        return tuple(code for city in inside for code in city.regions.get(provider, ()))


class PricedRegions(Struct, frozen=True):
    """The regions with offers that answer for a place."""

    codes: tuple[str, ...]
    """Empty where no offer is in the place or near it."""
    city: Place | None
    """Where they are, when they are not in the place: the nearest city with offers, however far."""
    kilometres: float = 0.0
    """From the place to that city."""


def priced_regions(places: Places, place: Place, offers: Iterable[RentalOffer]) -> PricedRegions:
    """Return the regions of offers in a place; where none is there, those of the nearest city that has one."""
    located: dict[str, list[str]] = {}
    for offer in offers:
        city = places.of_region(offer.region, offer.provider) or places.called(offer.region)
        if city is not None and offer.region not in located.setdefault(city.id, []):
            located[city.id].append(offer.region)
    inside = [id for id in located if places.inside(places.places[id], place)]
    if inside:
        return PricedRegions(tuple(sorted({code for id in inside for code in located[id]})), None)
    from_cities = [city for city in places.places.values() if city.latitude is not None and places.inside(city, place)]
    apart = [
        (here.kilometres_to(city), city.id)
        for id in located
        if (city := places.places[id]).latitude is not None
        for here in from_cities
    ]
    if not apart:
        return PricedRegions((), None)
    kilometres, nearest = min(apart)
    codes = tuple(sorted(located[nearest])) if kilometres <= NEAR_KM else ()
    return PricedRegions(codes, places.places[nearest], kilometres)
