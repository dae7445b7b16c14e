"""A hospital system at the other end of MLLP, and the words that senders use."""

from __future__ import annotations

import socketserver
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import hl7
from hl7.client import MLLPClient

START, END = b"\x0b", b"\x1c\r"


class Receiver:
    """Takes messages, keeps them in order, and answers as ``answer`` says (AA, AE, AR)."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.answer = "AA"
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                held = b""
                while True:
                    data = self.request.recv(65536)
                    if not data:
                        return
                    held += data
                    while END in held:
                        frame, held = held.split(END, 1)
                        text = frame.lstrip(START).decode()
                        outer.messages.append(text)
                        control = text.split("|")[9]
                        header = f"MSH|^~\\&|HIS||WARDBRIDGE||20260101000000||ACK|A{control}|P|2.6"
                        ack = f"{header}\rMSA|{outer.answer}|{control}\r"
                        self.request.sendall(START + ack.encode() + END)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self, text: str) -> list[str]:
        """The messages that hold ``text``, oldest first."""
        return [message for message in self.messages if text in message]


def stamp(moment: datetime) -> str:
    """An HL7 time stamp with milliseconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f")[:-3] + "+0000"


def now(minutes: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def pcd01(
    key: str, control: str, rows: list[str], *, patient: str = "", at: datetime | None = None, mode: str = "P",
    bed: str = "",
) -> bytes:  # fmt: skip
    """A PCD-01 report of the monitor ``key`` (an EUI-64); ``rows`` are OBX from field 2 on."""
    time = stamp(at or now())
    lines = [
        f"MSH|^~\\&|MON^{key}^EUI-64|ICU|||{time}||ORU^R01^ORU_R01|{control}|{mode}|2.6|||AL|NE"
        "|||||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        f"PID|||{patient}^^^HIS^MR||Doe^Jo^^^^^L" if patient else "PID|||^^^^U||^^^^^^U",
        f"PV1||I|{bed}",
        f"OBR|1|{control}^MON|{control}^MON|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{time}",
        f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{key}^^{key}^EUI-64",
        "OBX|2||69966^MDC_DEV_MON_PHYSIO_MULTI_PARAM_VMD^MDC|1.1.0.0|||||||X",
        "OBX|3||69967^MDC_DEV_MON_PHYSIO_MULTI_PARAM_CHAN^MDC|1.1.1.0|||||||X",
    ]
    lines += [f"OBX|{number}|{row}" for number, row in enumerate(rows, 4)]
    return ("\r".join(lines) + "\r").encode()


def heart_rate(value: str) -> str:
    return f"NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|{value}|264864^MDC_DIM_BEAT_PER_MIN^MDC|50-120||||R"


def adt(trigger: str, control: str, patient: str, *, bed: str = "", at: datetime | None = None, name: str = "Doe^Jo",
        visit: str = "") -> bytes:  # fmt: skip
    """An ADT message about ``patient`` (an MR of HIS)."""
    time = stamp(at or now())
    return "\r".join([
        f"MSH|^~\\&|HIS|HOUSE|WB|ICU|{time}||ADT^{trigger}|{control}|P|2.5",
        f"EVN|{trigger}|{time}",
        f"PID|1||{patient}^^^HIS^MR||{name}||19500101|F",
        f"PV1|1|I|{bed}||||||||||||||||{visit or 'V' + patient}",
        ""]).encode()  # fmt: skip


def send(port: int, *messages: bytes) -> list[Any]:
    """Send with a client that we did not write; the parsed acknowledgements."""
    with MLLPClient("127.0.0.1", port) as client:
        client.socket.settimeout(30)
        return [hl7.parse(client.send_message(message).strip(START + END).decode()) for message in messages]


def code(answer: Any) -> str:
    """MSA-1 of an acknowledgement."""
    return str(answer.segment("MSA")[1])
