"""Clock, ids, errors, settings, bus and database; no medicine."""
