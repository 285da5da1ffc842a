"""A request-level, iteration-exact simulation of continuous batching: tails, bursts, traces, routing and benchmarks.

    simulate(step_model, scheduler, requests, replicas=…, routing=…, seed=…) -> SimulationResult
    simulate_protocol(step_model, scheduler, protocol, concurrency, input_tokens, output_tokens, seed=…) -> the same

A step model is a candidate's step table (``step_model_of``); requests come from ``open_loop``, ``queued`` or a trace.
"""

from engine.simulation.arrivals import open_loop, queued
from engine.simulation.requests import Requests, requests_of
from engine.simulation.simulate import SimulationResult, simulate, simulate_protocol
from engine.simulation.step_model import StepModel, step_model, step_model_of

__all__ = [
    "Requests",
    "SimulationResult",
    "StepModel",
    "open_loop",
    "queued",
    "requests_of",
    "simulate",
    "simulate_protocol",
    "step_model",
    "step_model_of",
]
