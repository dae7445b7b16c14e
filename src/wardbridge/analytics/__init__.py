"""Questions over the record; reads only."""
