"""Accelerators: memory, peak rates, links, power."""

from typing import Annotated

from msgspec import Meta

from catalogs.records.facts import Fact, Identifier, NonNegative, Positive, PositiveInt, Record, Share


class PeakRates(Record):
    """Dense peak matrix rates in TFLOP/s (TOP/s for integers); null where the accelerator has no such unit."""

    fp32: Positive | None = None
    tf32: Positive | None = None
    fp16: Positive | None = None
    fp16_accumulated: Positive | None = None
    """fp16 products that are summed up in 16 bit too, where that is faster."""
    bf16: Positive | None = None
    fp8: Positive | None = None
    int8: Positive | None = None
    fp4: Positive | None = None
    int4: Positive | None = None


class Link(Record):
    """The connection between the accelerators of one scale-up domain."""

    kind: str
    """NVLink4, PCIe, Infinity Fabric, ICI, …"""
    gb_per_s: NonNegative
    """One direction, per accelerator, GB/s; 0 where there is no link between accelerators at all."""
    domain: PositiveInt
    """Accelerators that reach each other at this speed."""


class Accelerator(Fact):
    """One accelerator as software sees it: a GPU, a TPU chip, a CPU socket."""

    vendor: str
    form: str
    """SXM5, PCIe, OAM, SoC, …"""
    architecture: str
    """Hopper, Ada, CDNA3, … : what kernels are written for; relatives share efficiencies."""
    memory_type: str
    """HBM3, GDDR6, LPDDR5X, …"""
    memory_gib: Positive
    """Usable by software (nvidia-smi's total), GiB; not the label's figure."""
    memory_gb_per_s: Positive
    """Peak memory bandwidth, GB/s (1e9)."""
    peak_tflops: PeakRates
    power_w: Positive
    """Board power limit (TDP), W."""
    link: Link
    pcie_generation: Annotated[int, Meta(ge=1, le=7)] | None = None
    per_node: PositiveInt
    """Accelerators that a node of the usual make holds, at most."""
    inter_node_gb_per_s: NonNegative = 50.0
    """Network between nodes, one direction, per accelerator, GB/s (400 Gbit/s unless the entry says otherwise)."""
    kernels: Identifier | None = None
    """The accelerator on which its kernel curves were measured; null when these are its own.

    One of a user's own that has none and names none takes those of the measured one that is most like it.
    """
    full_power: Identifier | None = None
    """The accelerator of the same dies that draws more power, where ``kernels`` is of another architecture."""
    compute_capability: str | None = None
    released: Annotated[int, Meta(ge=2010, le=2035)] | None = None
    purchase_usd: Positive | None = None
    """Typical purchase price of one accelerator, USD."""
    consumer: bool = False
    """Sold for desktops: chosen only where somebody names it, or nothing else does it."""
    announced_only: bool = False
    """Not yet for sale: listed, never chosen by a search."""

    @property
    def no_server_because(self) -> str:
        """Why it is no accelerator for a data centre, as a sentence's end; empty where it is one.

        NVIDIA's License For Customer Use of GeForce Software, 2.1.3: "not licensed for datacenter deployment"
        (nvidia.com/en-us/drivers/geforce-license). Others are sold without the memory protection, the cooling and the
        warranty of servers.
        """
        if not self.consumer:
            return ""
        licence = ", and the licence of NVIDIA's GeForce drivers excludes data centres"
        return f"it is sold for desktops{licence if self.vendor == 'NVIDIA' else ''}"

    @property
    def memory_bytes(self) -> float:
        """Usable memory, bytes."""
        return self.memory_gib * 2**30

    @property
    def memory_bytes_per_s(self) -> float:
        """Peak memory bandwidth, bytes/s."""
        return self.memory_gb_per_s * 1e9


class Held(Record):
    """What holds for accelerators of some vendors and architectures."""

    vendors: tuple[str, ...] = ()
    """Empty: every vendor."""
    architectures: tuple[str, ...] = ()
    """Empty: every architecture of the vendors."""

    def holds(self, accelerator: Accelerator) -> bool:
        """Return whether the accelerator is one of these."""
        return (not self.vendors or accelerator.vendor in self.vendors) and (
            not self.architectures or accelerator.architecture in self.architectures
        )


class PowerCurve(Fact):
    """Power by load, as shares of the power limit, measured on one accelerator and inherited by its relatives.

    Nobody there: idle. With requests running: running + (saturated − running) · load over the saturated load. A single
    request already makes every step read all weights, so that power starts high.
    """

    architectures: tuple[str, ...] = ()
    """Of accelerators that inherit it; the id is the accelerator on which it was measured."""
    others: bool = False
    """Inherited by every accelerator that no curve names."""
    idle: Share
    running: Share
    saturated: Share
    error: NonNegative
    """Median absolute error of the fit on its own measurements, idle left out (0.06 = 6 %)."""
