"""The register: machines, models, network interfaces, versions."""
