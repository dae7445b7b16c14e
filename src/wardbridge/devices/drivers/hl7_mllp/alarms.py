"""PCD-04: alarm reports to AlertSignals (IHE PCD TF-2 section 3.4, appendix B.8.7)."""

from __future__ import annotations


def read_alarms(*a):
    return [], []
