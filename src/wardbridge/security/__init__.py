"""Who may do what, and the record of every access."""
