"""Vigil: an abuse-signal stream processor that decides on metadata alone."""

__version__ = "0.1.0"
