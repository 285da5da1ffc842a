"""A small fleet whose bills can be reckoned by hand."""

from datetime import date
from functools import cache

from catalogs.catalog import Catalog
from engine.choice.deployment.bills import Work
from engine.choice.deployment.served import Served, TermOffers
from engine.fleet.offers import PricedOffer
from engine.question.resolve import resolve
from engine.workload import Term, spec_from

HOURLY = {"on_demand": 4.0, "spot": 1.6, "reserved_1y": 3.0, "reserved_3y": 2.0}
"""USD an hour for an instance of two accelerators."""


@cache
def catalog() -> Catalog:
    return Catalog.load()


def offer(term: Term, usd: float) -> PricedOffer:
    return PricedOffer("cloud", "here", "pair", 2, term, usd, "a contract", date(2026, 11, 1))


def fleet(requests_per_s: float = 10.0, **changed: object) -> Served:
    """Replicas of two accelerators that carry 4 calls/s each; the peak is twice the mean, six hours of the day."""
    spec = spec_from(
        {
            "model": "llama-3.1-8b",
            "hardware.accelerators": ["l40s"],
            "traffic.requests_per_s": 10,
            "tokens.input.mean": 1000,
            "tokens.input.cv": 0,
            "tokens.output.mean": 200,
            "tokens.output.cv": 0,
        }
    )
    question = resolve(spec, catalog())
    work = Work(
        requests_per_s=requests_per_s,
        calls_per_request=1.0,
        input_tokens=1000,
        cached_tokens=0,
        output_tokens=200,
        input_share=0.25,
        within=0.98,
    )
    values: dict[str, object] = {
        "question": question,
        "accelerator": catalog().accelerator("l40s"),
        "work": work,
        "capacity_rps": 4.0,
        "peak": 2.0,
        "hourly": (2.0,) * 6 + (2 / 3,) * 18,
        "replicas_size": 2,
        "minimum": 1,
        "spares": 0,
        "added": 0,
        "curve": None,
        "stay_s": 5.0,
        "saturated_rps": 5.0,
        "offers": {term: TermOffers((offer(term, usd),), None) for term, usd in HOURLY.items()},  # type: ignore[arg-type]
        "reaction_s": 300.0,
        "target_utilisation": 1.0,
        "weights_bytes": 16e9,
    }
    return Served(**(values | changed))  # type: ignore[arg-type]
