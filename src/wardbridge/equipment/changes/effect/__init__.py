"""What a failing switch or server means at the bedside."""
