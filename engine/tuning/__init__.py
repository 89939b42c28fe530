"""What strategies do to tensors, one file each; loads torch. `make` finds the file that a strategy names."""

from engine.tuning._base import Setup, Tuning, make

__all__ = ["Setup", "Tuning", "make"]
