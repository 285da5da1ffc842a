"""Names in a spec: what people say becomes what the catalog calls it, so that equal questions are equal specs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import Any

from agent.statements.models import resolve_model
from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed, quoted
from catalogs.names import letters_of
from catalogs.records.places import NEAR_KM, Place, priced_regions
from catalogs.records.prices import RentalOffer
from catalogs.units import TERM_WORDS
from engine.workload import ANY_PROVIDER, Source


@contextmanager
def named(detail: str) -> Iterator[None]:
    """Prefix an InputError with what the user calls the value: its flag, its file."""
    try:
        yield
    except InputError as error:
        if not detail:
            raise
        raise InputError(f"{detail}: {error}") from error


def resolve_names(values: dict[str, Any], sources: dict[str, Source], catalog: Catalog) -> tuple[str, ...]:
    """Replace, in values by path, what people say by what the catalog calls it; return what should be noticed.

    Args:
        values: by path; changed in place.
        sources: of the values, by path; changed in place.

    Raises:
        InputError: a name that the catalog does not know, or of several of its entries; a model that cannot be read.
    """

    def resolved(path: str, find: Callable[[Any], Any]) -> None:
        if values.get(path) is not None:
            with named("" if sources[path].kind == "said" else sources[path].detail):
                values[path] = find(values[path])

    resolved("precision.kv_cache", lambda name: catalog.precision(str(name)).id)
    resolved("serving.runtime", lambda name: catalog.runtime_name(str(name)))
    resolved("hardware.accelerators", lambda names: _each(catalog.accelerator(str(name)).id for name in names))
    resolved(
        "hardware.excluded", lambda names: _each(i for name in names for i in catalog.accelerator_forms(str(name)))
    )
    if values.get("money.usd_per_accelerator_hour") is None:
        resolved("money.provider", lambda name: _provider(str(name), catalog))
        resolved("money.excluded_providers", lambda names: _each(_provider(str(name), catalog) for name in names))
        _exclude_providers(values, sources)
    if "architecture" not in values:
        resolved("model", lambda text: _model(text if isinstance(text, str) else str(text), values, sources, catalog))
    resolved("precision.weights", lambda name: _weights(str(name), values, catalog))
    return _region(values, sources, catalog)


def _each(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _model(text: str, values: dict[str, Any], sources: dict[str, Source], catalog: Catalog) -> str:
    model = resolve_model(text, catalog)
    if model.derived:
        sources["model"] = Source("derived", model.derived)
    if model.architecture is not None:
        values["architecture"] = model.architecture
        sources["architecture"] = Source("derived", model.read_from)
    if model.embeds and values.get("serving.task") is None:
        values["serving.task"] = "embed"
        sources["serving.task"] = Source("derived", f"{model.name} reads texts and writes none")
    return model.name


def _weights(text: str, values: dict[str, Any], catalog: Catalog) -> str:
    """Return the id of a weight precision; of the 4-bit floats, the one in which the model is published."""
    found = catalog.precision(text)
    if letters_of(text) in ("fp4", "float4"):
        with suppress(InputError):
            model = values.get("architecture") or catalog.model(str(values.get("model"))).model
            return "mxfp4" if model.native_precision == "mxfp4" else found.id
    return found.id


def _provider(text: str, catalog: Catalog) -> str:
    if "," in text:
        return ",".join(dict.fromkeys(_provider(part, catalog) for part in text.split(",") if part.strip()))
    rents = {offer.provider for offer in catalog.offers}
    providers = {
        letters_of(name): entry.id
        for entry in catalog.providers.values()
        if entry.id in rents
        for name in (entry.name, *entry.aliases)
    } | {letters_of(provider): provider for provider in rents}
    said = letters_of(text)
    if said in ("any", "all"):
        return ANY_PROVIDER
    if said in providers:
        return providers[said]
    near = list(dict.fromkeys(providers[name] for name in get_close_matches(said, list(providers), n=3)))
    nearest = f"the nearest are {listed(near)}" if near else f"there are {listed(sorted(rents))}"
    raise InputError(f"no provider is called {quoted(text)}; {nearest}")


def _exclude_providers(values: dict[str, Any], sources: dict[str, Source]) -> None:
    """Take the excluded out of the named providers: where all of those are, the cheapest other one takes their place.

    Raises InputError where flags name and exclude the same one.
    """
    path, named = "money.provider", values.get("money.provider")
    refused = values.get("money.excluded_providers") or ()
    left = [provider for provider in str(named or "").split(",") if provider not in refused]
    if not named or left == str(named).split(","):
        return
    if sources[path].kind == sources["money.excluded_providers"].kind == "flag":
        raise InputError(f"{named} is named and excluded; leave one of the two out")
    values[path] = ",".join(left) or ANY_PROVIDER
    sources[path] = Source("derived", f"{listed(refused)} excluded")


def _sold(values: Mapping[str, Any], catalog: Catalog) -> list[RentalOffer]:
    """Return the offers that a plan may be priced on, wherever they are."""
    said, term = str(values.get("money.provider") or ANY_PROVIDER), values.get("money.term") or "on_demand"
    providers = None if said == ANY_PROVIDER else said.split(",")
    named = values.get("hardware.accelerators") or catalog.accelerators
    refused = values.get("money.excluded_providers") or ()
    return [
        offer
        for offer in catalog.offers
        if offer.accelerator in named and offer.provider not in refused
        if providers is None or offer.provider in providers
        if getattr(offer, f"{term}_usd_per_hour", None) and (term != "on_demand" or offer.sold_as == "on demand")
    ]


def _region(values: dict[str, Any], sources: dict[str, Source], catalog: Catalog) -> tuple[str, ...]:
    """Replace a place by the regions with prices in it, or by near ones, else by none; return what should be noticed.

    Prices that count are those of the accelerators that were named.

    Raises InputError where nothing is called so.
    """
    said, provider = values.get("money.region"), values.get("money.provider")
    if provider == ANY_PROVIDER or "," in str(provider):
        provider = None
    if not isinstance(said, str) or values.get("money.usd_per_accelerator_hour") is not None:
        return ()
    sold = _sold(values, catalog)
    offered = {offer.region.casefold() for offer in sold}
    places, codes = catalog.places, said.casefold().split(",")
    if places.called(said) is None and all(any(known.startswith(one.strip()) for known in offered) for one in codes):
        return ()
    by_code = places.region(said)
    code = by_code[1] if by_code else said
    place = places.of_region(code, provider) or places.of_region(code) or places.called(said)
    if place is None:
        spellings = {place.name for place in places.places.values()} | offered
        near = get_close_matches(said.casefold(), spellings, n=3, cutoff=0.75)
        known = "known are cities, countries, continents, and clouds' regions such as us-east-1 or West Europe"
        nearest = f"the nearest are {listed(near)}" if near else known
        raise InputError(f"no region or place is called {quoted(said)}; {nearest}")
    if values.get("money.term") == "owned":
        return ()  # where it stands; nobody's price
    regions = priced_regions(places, place, sold)
    if regions.codes and regions.city is None:
        values["money.region"] = ",".join(regions.codes)
        return ()
    wanted, term = f"{place.name}{f' on {provider}' if provider else ''}", str(values.get("money.term") or "on_demand")
    price = "price" if term == "on_demand" else f"price {TERM_WORDS[term]}"
    if regions.codes and regions.city is not None:
        values["money.region"] = ",".join(regions.codes)
        sources["money.region"] = Source("derived", f"no price in {wanted}: the nearest with one")
        _stand_in(values, sources, place)
        stand_in = f"{regions.city.name} ({listed(regions.codes)}), {regions.kilometres:,.0f} km away,"
        return (f"no {price} is known in {wanted}: those of {stand_in} stand in",)
    values["money.region"] = None
    _stand_in(values, sources, place)
    instead = f"within {NEAR_KM:,.0f} km of {wanted}: one of any region" if sold else f"in {wanted}"
    sources["money.region"] = Source("derived", f"no {price} {instead}")
    far = f", the nearest is in {regions.city.name}" if regions.city else ""
    nearest = f"within {NEAR_KM:,.0f} km of {wanted}{far}: those of any region stand in"
    return (f"no {price} is known {nearest if sold else f'in {wanted}, nor in any other region'}",)


def _stand_in(values: dict[str, Any], sources: dict[str, Source], place: Place) -> None:
    """Note for which place the prices of another one stand in."""
    values["money.stands_in_for"] = place.name
    sources["money.stands_in_for"] = Source("derived", "no price is known there")
