"""What the figures' machine line says is read from this machine."""

from __future__ import annotations

import os
import re
import time

from bench.machine import busy_seconds, cpu_seconds, machine


def test_machine_names_processor_and_versions() -> None:
    told = machine()
    assert told["cores"] == os.cpu_count()
    assert told["cpu"]
    assert re.fullmatch(r"\d+\.\d+", str(told["postgresql"]))


def test_cpu_of_a_process_and_of_all() -> None:
    before, busy = cpu_seconds([os.getpid(), 1 << 30]), busy_seconds()
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = cpu_seconds([os.getpid()])
    assert 0.05 <= after[os.getpid()] - before[os.getpid()] < 5
    assert before[1 << 30] == 0
    assert busy_seconds() > busy
