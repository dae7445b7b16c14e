"""Pages under ``/equipment``."""
