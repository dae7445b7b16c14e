"""One module a screen: reads its source, renders its template; writes go back by redirect."""
