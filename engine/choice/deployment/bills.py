"""A bill as lines that sum to it, and what of it a request, a token or a successful request costs."""

from typing import Literal

from msgspec import Struct

from catalogs.units import SECONDS_PER_MONTH

Kind = Literal["running", "commitment", "one-off", "other"]
"""Paid as long as it runs; paid for a term whatever runs; paid once; beside the accelerators."""


class BillLine(Struct, frozen=True):
    """One reason for money."""

    label: str
    usd: float
    """A month; once for what is paid once."""
    kind: Kind
    why: str
    """How it comes about: '12 × $2.30 × 730 h'."""
    source: str = ""
    rented_at: str = ""
    """Of an instance: whose it is, where and on which term."""


class Work(Struct, frozen=True):
    """What is done for the money, on average."""

    requests_per_s: float
    calls_per_request: float
    input_tokens: float
    """Of a call, cached ones included."""
    cached_tokens: float
    output_tokens: float
    """Of a call, hidden reasoning included."""
    input_share: float = 0.5
    """Of a busy replica's time that goes into prompts."""
    within: float | None = None
    """Share of requests within the targets; None where nobody knows."""

    @property
    def requests(self) -> float:
        """A month."""
        return self.requests_per_s * SECONDS_PER_MONTH

    @property
    def calls(self) -> float:
        """A month."""
        return self.requests * self.calls_per_request

    @property
    def million_tokens(self) -> float:
        """A month, in and out."""
        return self.calls * (self.input_tokens + self.output_tokens) / 1e6


class Bill(Struct, frozen=True):
    """What one way to serve costs."""

    mode: str
    """'rent', 'spot', 'reserved_1y', 'reserved_3y', 'mix', 'own', 'edge', 'api', 'overflow', 'share', 'class'."""
    title: str
    lines: tuple[BillLine, ...]
    work: Work
    utilisation: float | None
    """Share of the capacity that is paid for that works, on average; None where none is paid for."""
    commitment_months: float = 0.0
    infeasible: str = ""
    """Why it cannot be; the bill is empty then."""
    latency: str = ""
    """What is known of its latency beside the plan's."""
    notes: tuple[str, ...] = ()

    @property
    def monthly_usd(self) -> float:
        """The sum of all lines but what is paid once."""
        return sum(line.usd for line in self.lines if line.kind != "one-off")

    @property
    def yearly_usd(self) -> float:
        """Twelve months; what is paid once is spread over its years in the monthly lines already."""
        return 12 * self.monthly_usd

    @property
    def one_off_usd(self) -> float:
        """Money that is needed before anything runs."""
        return sum(line.usd for line in self.lines if line.kind == "one-off")

    @property
    def committed_usd(self) -> float:
        """What is owed whatever happens, over the whole term."""
        return self.commitment_months * sum(line.usd for line in self.lines if line.kind == "commitment")

    @property
    def idle_share(self) -> float | None:
        """Of the capacity that is paid for."""
        return None if self.utilisation is None else 1 - self.utilisation

    @property
    def usd_per_request(self) -> float | None:
        """Of all requests."""
        return self.monthly_usd / self.work.requests if self.work.requests else None

    @property
    def usd_per_successful_request(self) -> float | None:
        """Of those within the targets; None where nobody knows how many are."""
        price = self.usd_per_request
        return None if price is None or not self.work.within else price / self.work.within

    @property
    def reservation_usd_per_million(self) -> float | None:
        """What is paid over the tokens that are served at the real duty cycle, USD per million: to set beside APIs."""
        return self.monthly_usd / self.work.million_tokens if self.work.million_tokens else None

    @property
    def usage_usd_per_million(self) -> float | None:
        """The same as if all that is paid for worked at all times: what the tokens themselves take."""
        price = self.reservation_usd_per_million
        return None if price is None else price * (1.0 if self.utilisation is None else self.utilisation)

    @property
    def token_usd_per_million(self) -> tuple[float, float, float] | None:
        """Prices of input, output and cached input at which a month's tokens sum to the bill, USD per million.

        Fresh input pays the share of the replicas' time that prompts take, output the rest; cached input takes none.
        """
        work = self.work
        fresh = work.calls * (work.input_tokens - work.cached_tokens) / 1e6
        output = work.calls * work.output_tokens / 1e6
        if not fresh or not output:
            return None
        return self.monthly_usd * work.input_share / fresh, self.monthly_usd * (1 - work.input_share) / output, 0.0
