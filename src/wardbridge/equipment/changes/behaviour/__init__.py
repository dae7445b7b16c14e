"""What nobody expected."""
