"""The intake log: what arrived is durable before anyone is told so (DESIGN section 2, rule 2)."""
