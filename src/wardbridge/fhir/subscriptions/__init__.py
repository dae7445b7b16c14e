"""Subscriptions (R4 subscription.html; Subscriptions R5 Backport for R4): every event once, numbered, handed over."""
