"""From the intake log to samples, bindings, chart and alarms: exactly once."""
