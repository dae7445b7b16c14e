"""Tests of the simulated ward."""
