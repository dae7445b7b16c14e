"""People at work together: runbooks, on-call, hand-over, load."""
