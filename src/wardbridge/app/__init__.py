"""The processes of Wardbridge and what each is made of; no logic of its own."""
