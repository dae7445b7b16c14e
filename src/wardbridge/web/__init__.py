"""Pages and live views; owns no data."""
