"""How fast: every stage from a frame to its hands, and the papers' networks alone."""

from handkit.benchmark.running import run_networks, run_pipeline
from handkit.benchmark.tables import tables

__all__ = ["run_networks", "run_pipeline", "tables"]
