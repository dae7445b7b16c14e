"""A machine's life, from the need to the disposal, as a table of moves with evidence."""
