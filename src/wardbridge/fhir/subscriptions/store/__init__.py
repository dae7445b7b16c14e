"""SQL of subscriptions."""
