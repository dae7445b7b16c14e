"""Labels with a QR code that leads to a machine's request form."""
