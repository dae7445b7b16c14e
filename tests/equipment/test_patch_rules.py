"""When a machine may be patched, without a database."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.equipment.changes.patches import rules
from wardbridge.equipment.changes.patches.values import Situation, Window

FREE = Situation(device_id="d", machine_id="d", model_id="m", admission="accepted", ward="ICU", zones=("pumps",),
                 bound=False, streaming=False, ahead=False, running=0, free=3)  # fmt: skip
OPEN = Window(window_id="w", start=10, stop=20)


def kind(machine: Situation, *windows: Window, now: int = 15) -> str:
    found, window = rules.hindered(machine, windows, now, "c")
    assert (found is None) == bool(window)
    return found.kind if found else ""


situations = st.builds(
    Situation, device_id=st.just("d"), machine_id=st.just("d"), model_id=st.sampled_from("mn"),
    admission=st.sampled_from(["", "accepted", "unknown", "quarantined", "workshop", "retired"]),
    ward=st.sampled_from(["ICU", "OR"]), zones=st.sampled_from([(), ("pumps",)]), bound=st.booleans(),
    streaming=st.booleans(), ahead=st.booleans(), running=st.integers(0, 3), free=st.integers(-1, 3),
)  # fmt: skip
windows = st.lists(
    st.builds(Window, window_id=st.sampled_from("abc"), start=st.integers(0, 20), stop=st.integers(0, 30),
              change_id=st.sampled_from(["", "c", "x"]), ward=st.sampled_from(["", "ICU"]),
              zone=st.sampled_from(["", "pumps"]), models=st.sampled_from([(), ("m",)]), parallel=st.integers(1, 3),
              spares=st.integers(0, 2)),
    max_size=4,
)  # fmt: skip


@given(situations, windows, st.integers(0, 30))
def test_what_may_start_is_free_in_a_window_and_leaves_spares(machine: Situation, many: list[Window], now: int) -> None:
    found, used = rules.hindered(machine, many, now, "c")
    fitting = [w for w in many if rules.opens(w, now, "c", machine)]
    if found is None:
        assert not machine.in_use
        assert not machine.ahead
        assert machine.admission != "retired"
        assert any(w.window_id == used and machine.running < w.parallel and machine.free >= w.spares for w in fitting)
    elif found.kind in ("window", "ward"):
        assert not any(machine.running < w.parallel and machine.free >= w.spares for w in fitting)
        assert (found.kind == "ward") == bool(fitting)


def test_a_window_is_for_its_time_ward_zone_and_models() -> None:
    assert kind(FREE, OPEN) == ""
    for other in ({"start": 16}, {"stop": 15}, {"ward": "OR"}, {"zone": "lab"}, {"models": ("n",)}, {"change_id": "x"}):
        fields: dict[str, Any] = other
        assert kind(FREE, msgspec.structs.replace(OPEN, **fields)) == "window"
    assert kind(FREE) == "window"


def test_never_all_of_a_ward_at_once() -> None:
    assert kind(msgspec.structs.replace(FREE, running=1), OPEN) == "ward"
    assert kind(msgspec.structs.replace(FREE, running=1), msgspec.structs.replace(OPEN, parallel=2)) == ""
    assert kind(msgspec.structs.replace(FREE, free=0), OPEN) == "ward"
    assert kind(msgspec.structs.replace(FREE, free=0), msgspec.structs.replace(OPEN, spares=0)) == ""


@pytest.mark.parametrize(("observed", "verdict"), [("2.0", "verified"), (" V2.0", "verified"), ("v2.0 ", "verified"),
                         ("1.9", ""), ("", ""), ("2.0.1", "failed"), ("2", "failed")])  # fmt: skip
def test_what_a_reported_version_says(observed: str, verdict: str) -> None:
    assert rules.judge("2.0", "1.9", observed) == verdict
