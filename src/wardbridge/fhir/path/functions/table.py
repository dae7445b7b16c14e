"""All functions by name: fewest and most arguments, and the maker of the closure."""

from __future__ import annotations

from wardbridge.fhir.path.functions import collections, conversion, dates, elements, numbers, strings
from wardbridge.fhir.path.functions.define import Entry

TABLE: dict[str, Entry] = {
    **collections.TABLE,
    **conversion.TABLE,
    **dates.TABLE,
    **elements.TABLE,
    **numbers.TABLE,
    **strings.TABLE,
}
