"""The simulated ward: patients that are small physiological models, devices that speak on the wire."""
