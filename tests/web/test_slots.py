"""Which of several sources a slot shows."""

from __future__ import annotations

from wardbridge.core.clock import SECOND
from wardbridge.web.slots import BY_NAME, INVALID, Reading, choose, fill

NOW = 1_790_000_000 * SECOND


def value(code: int, text: str, age: int = 1, quality: int = 0, channel: int = 0) -> Reading:
    at = NOW - age * SECOND
    return Reading(code, text, at, at, quality, channel or code, "dev")


def test_the_best_source_wins_while_it_is_fresh():
    ecg, pulse = value(147842, "80", 3), value(149530, "82", 1)
    assert choose([pulse, ecg], BY_NAME["hr"], NOW) is ecg


def test_a_worse_but_live_source_beats_a_stale_one():
    ecg, pulse = value(147842, "80", 40), value(149530, "82", 1)
    assert choose([ecg, pulse], BY_NAME["hr"], NOW) is pulse


def test_when_all_are_stale_the_newest_is_shown():
    ecg, pulse = value(147842, "80", 90), value(149530, "82", 40)
    assert choose([ecg, pulse], BY_NAME["hr"], NOW) is pulse


def test_a_pair_is_of_one_source_and_one_moment():
    line = [value(150037, "120"), value(150038, "70"), value(150039, "87")]
    cuff = [value(150021, "131", 300), value(150022, "80", 300), value(150023, "97", 300)]
    bp = fill([*cuff, *line], NOW)["bp"]
    assert (bp.text, bp.extra, bp.label) == ("120/70", "87", "ABP")
    old = [value(150037, "120", 60), value(150038, "70", 60)]
    assert fill([*cuff, *old], NOW)["bp"].text == "120/70", (
        "a newer line value is shown with its age, not an older cuff's"
    )
    torn = [value(150037, "120", 1), value(150038, "70", 9)]
    assert "bp" not in fill(torn, NOW)
    assert fill([*cuff, *torn], NOW)["bp"].text == "131/80"


def test_the_cuff_is_shown_where_there_is_no_line():
    cuff = [value(150021, "131", 300), value(150022, "80", 300)]
    bp = fill(cuff, NOW)["bp"]
    assert (bp.text, bp.extra, bp.label, bp.stale_seconds) == ("131/80", "", "NIBP", 3600)


def test_an_invalid_value_is_missing_not_a_number():
    assert fill([value(150456, "0", quality=1)], NOW)["spo2"].text == ""
    assert INVALID & 1


def test_texts_stay_as_sent():
    assert fill([value(150344, "37.20")], NOW)["temp"].text == "37.20"
