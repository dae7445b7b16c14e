"""What the stores of this room share."""
