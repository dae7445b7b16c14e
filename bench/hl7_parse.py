"""PCD-01 to typed values: messages a second of our driver beside python-hl7, in one run on one core.

The message is a monitor's report of 34 segments with 30 OBX (three of them device rows, 27 values),
about 4.9 kB; values and times differ from message to message. Ours goes from bytes to the Readings
that the driver hands on. python-hl7 gets `hl7.parse` plus OBX-3.1 and OBX-5, which is less work.
Run: python -m bench.hl7_parse [--messages N] [--repeat R] [--seed S]
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Callable

from wardbridge.devices.drivers.hl7_mllp.interpret import interpret
from wardbridge.devices.drivers.hl7_mllp.memory import Memory
from wardbridge.devices.values import Reading

METRICS = [
    ("1.1.1", 147842, "MDC_ECG_CARD_BEAT_RATE", "264864^MDC_DIM_BEAT_PER_MIN^MDC", "50-120", 80),
    ("1.1.1", 148066, "MDC_ECG_V_P_C_RATE", "264864^MDC_DIM_BEAT_PER_MIN^MDC", "", 1),
    ("1.1.1", 131841, "MDC_ECG_AMPL_ST_I", "266418^MDC_DIM_MILLI_VOLT^MDC", "-0.2-0.2", 0.1),
    ("1.1.1", 131842, "MDC_ECG_AMPL_ST_II", "266418^MDC_DIM_MILLI_VOLT^MDC", "-0.2-0.2", 0.1),
    ("1.1.1", 131901, "MDC_ECG_AMPL_ST_III", "266418^MDC_DIM_MILLI_VOLT^MDC", "-0.2-0.2", 0.1),
    ("1.1.1", 147232, "MDC_ECG_TIME_PD_QT_GL", "264338^MDC_DIM_MILLI_SEC^MDC", "", 360),
    ("1.1.1", 147236, "MDC_ECG_TIME_PD_QT_CORR_GL", "264338^MDC_DIM_MILLI_SEC^MDC", "<500", 410),
    ("1.1.1", 151562, "MDC_RESP_RATE", "264928^MDC_DIM_RESP_PER_MIN^MDC", "8-30", 16),
    ("1.1.1", 150456, "MDC_PULS_OXIM_SAT_O2", "262688^MDC_DIM_PERCENT^MDC", "90-100", 97),
    ("1.1.1", 149530, "MDC_PULS_OXIM_PULS_RATE", "264864^MDC_DIM_BEAT_PER_MIN^MDC", "50-120", 80),
    ("1.1.1", 150448, "MDC_PULS_OXIM_PERF_REL", "262656^MDC_DIM_DIMLESS^MDC", "", 3.9),
    ("1.1.1", 150037, "MDC_PRESS_BLD_ART_ABP_SYS", "266016^MDC_DIM_MMHG^MDC", "90-160", 121),
    ("1.1.1", 150038, "MDC_PRESS_BLD_ART_ABP_DIA", "266016^MDC_DIM_MMHG^MDC", "50-90", 71),
    ("1.1.1", 150039, "MDC_PRESS_BLD_ART_ABP_MEAN", "266016^MDC_DIM_MMHG^MDC", "60-110", 88),
    ("1.1.1", 150087, "MDC_PRESS_BLD_VEN_CENT_MEAN", "266016^MDC_DIM_MMHG^MDC", "0-15", 8),
    ("1.1.1", 150045, "MDC_PRESS_BLD_ART_PULM_SYS", "266016^MDC_DIM_MMHG^MDC", "10-35", 25),
    ("1.1.1", 150046, "MDC_PRESS_BLD_ART_PULM_DIA", "266016^MDC_DIM_MMHG^MDC", "0-20", 10),
    ("1.1.1", 150047, "MDC_PRESS_BLD_ART_PULM_MEAN", "266016^MDC_DIM_MMHG^MDC", "5-25", 15),
    ("1.1.1", 153611, "MDC_PRESS_INTRA_CRAN_MEAN", "266016^MDC_DIM_MMHG^MDC", "<20", 12),
    ("1.1.1", 153604, "MDC_PRESS_CEREB_PERF", "266016^MDC_DIM_MMHG^MDC", "60-130", 76),
    ("1.1.1", 150344, "MDC_TEMP", "268192^MDC_DIM_DEGC^MDC", "36.0-38.5", 37.1),
    ("1.1.1", 150388, "MDC_TEMP_SKIN", "268192^MDC_DIM_DEGC^MDC", "", 33.4),
    ("1.1.1", 151708, "MDC_CONC_AWAY_CO2_ET", "266016^MDC_DIM_MMHG^MDC", "30-50", 38),
    ("1.1.1", 151716, "MDC_CONC_AWAY_CO2_INSP", "266016^MDC_DIM_MMHG^MDC", "<4", 0),
    ("1.1.1", 151594, "MDC_CO2_RESP_RATE", "264928^MDC_DIM_RESP_PER_MIN^MDC", "8-30", 16),
    ("1.1.1", 152196, "MDC_CONC_AWAY_O2_INSP", "262688^MDC_DIM_PERCENT^MDC", "20-100", 40),
    ("1.1.1", 150276, "MDC_OUTPUT_CARD", "265216^MDC_DIM_L_PER_MIN^MDC", "", 5.2),
]


def message(number: int, rng: random.Random) -> bytes:
    """One report; `number` makes its control id and its second."""
    stamp = f"20261121{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}+0000"
    rows = [
        "MSH|^~\\&|MONITOR_GATEWAY^0A0037FFFEB21757^EUI-64|WARD|WARDBRIDGE||"
        f"{stamp}||ORU^R01^ORU_R01|B{number:09d}|P|2.6|||AL|NE||UNICODE UTF-8|||"
        "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        "PID|||HO2009001^^^Hospital^PI||Hon^Albert^^^^^L||19610101|M",
        "PV1||I|ICU^3^7",
        f"OBR|1|1^MONITOR|{number}^MONITOR|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{stamp}",
        "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||XY150Z0409^^0009FBFFFF059322^EUI-64",
        "OBX|2||69854^MDC_DEV_METER_PRESS_BLD_VMD^MDC|1.1.0.0|||||||X",
        "OBX|3||69855^MDC_DEV_METER_PRESS_BLD_CHAN^MDC|1.1.1.0|||||||X",
    ]
    for at, (path, code, refid, unit, limits, middle) in enumerate(METRICS):
        digits = 0 if isinstance(middle, int) else 1
        value = f"{middle + rng.uniform(-3, 3):.{digits}f}"
        rows.append(
            f"OBX|{at + 4}|NM|{code}^{refid}^MDC|{path}.{at + 1}|{value}|{unit}|{limits}||||R|||"
            f"{stamp}||||XY150Z0409^^0009FBFFFF059322^EUI-64"
        )
    return ("\r".join(rows) + "\r").encode()


def rate(run: Callable[[bytes], int], messages: list[bytes], repeat: int) -> tuple[float, int]:
    """(messages a second by CPU time, values a message), best of `repeat` rounds."""
    best, values = float("inf"), 0
    for _ in range(repeat):
        started = time.process_time()
        for raw in messages:
            values = run(raw)
        best = min(best, time.process_time() - started)
    return len(messages) / best, values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    messages = [message(number, rng) for number in range(args.messages)]
    memory = Memory()

    def ours(raw: bytes) -> int:
        values = interpret(raw, 0, memory=memory).parts[0].values
        return sum(type(value) is Reading for value in values) if raw is messages[-1] else 0

    import hl7

    def theirs(raw: bytes) -> int:
        parsed = hl7.parse(raw.decode())
        found = [(row[3][0][0][0], str(row[5])) for row in parsed.segments("OBX")]
        return len(found)

    own, values = rate(ours, messages, args.repeat)
    other, _ = rate(theirs, messages[: max(50, args.messages // 50)], args.repeat)
    print(
        json.dumps(
            {
                "bench": "hl7_parse",
                "message_bytes": len(messages[0]),
                "segments": messages[0].count(b"\r"),
                "obx": messages[0].count(b"\rOBX"),
                "values": values,
                "messages_per_s": round(own),
                "us_per_message": round(1e6 / own, 1),
                "hl7_messages_per_s": round(other),
                "ratio": round(own / other, 1),
                "machine": f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}",
            }
        )
    )


if __name__ == "__main__":
    main()
