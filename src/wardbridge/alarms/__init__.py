"""Rules, scores, delays and escalation."""
