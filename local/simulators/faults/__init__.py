"""What can go wrong with a source on demand."""

from local.simulators.faults.catalogue import COMMON, KINDS, described, draw, hides, nature
from local.simulators.faults.playing import Faults

__all__ = ["COMMON", "KINDS", "Faults", "described", "draw", "hides", "nature"]
