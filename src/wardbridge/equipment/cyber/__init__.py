"""What machines are made of, what is wrong with it, who says so, and how exposed it is."""
