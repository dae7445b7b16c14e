"""A real SDC provider (sdc11073's own) as another process: commands come as JSON lines on stdin.

It prints one JSON line when it answers, and one after each command. The MDIB is the file beside this one
unless another is named, for instance one of sdc11073's own test files.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from sdc11073.certloader import mk_ssl_contexts
from sdc11073.httpserver.compression import CompressionHandler
from sdc11073.httpserver.httpserverimpl import HttpServerThreadBase, _ThreadingHTTPServer
from sdc11073.location import SdcLocation
from sdc11073.loghelper import get_logger_adapter
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types import pm_qnames, pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType
from sdc11073.xml_types.isoduration import XsdDateInformation

HERE = Path(__file__).parent


class Silent:
    """No WS-Discovery: the provider is reached by its address."""

    active_address = "127.0.0.1"

    def publish_service(self, *_: object) -> None: ...

    def clear_service(self, *_: object) -> None: ...


class FixedPort(HttpServerThreadBase):
    """sdc11073's server on a port of our choice, so that a device can come back at its old address."""

    def __init__(self, port: int, tls: Any) -> None:
        encodings = CompressionHandler.available_encodings[:]
        super().__init__("127.0.0.1", tls and tls.server_context, encodings, get_logger_adapter("sdc.device"))
        self._port = port

    def run(self) -> None:
        _ThreadingHTTPServer.allow_reuse_address = True
        address = (self._my_ipaddress, self._port)
        self.httpd = _ThreadingHTTPServer(self.logger, address, 0, self.supported_encodings)
        if self._ssl_context:
            self.httpd.socket = self._ssl_context.wrap_socket(self.httpd.socket, server_side=True)
        self.base_url = f"http://{self._my_ipaddress}:{self._port}/"
        self.started_evt.set()
        self.httpd.serve_forever()


class Provider:
    def __init__(self, options: argparse.Namespace) -> None:
        self.discovery: Any = WSDiscovery("127.0.0.1") if options.discovery else Silent()
        if options.discovery:
            self.discovery.start()
        self.mdib = ProviderMdib.from_mdib_file(str(options.mdib))
        tls = None
        if options.tls:
            folder = Path(options.tls)
            tls = mk_ssl_contexts(folder / "device.key", folder / "device.pem", folder / "ca.pem")
        self.device = SdcProvider(
            self.discovery,
            ThisModelType("Wardbridge Test Works", model_name="Bedside One"),
            ThisDeviceType("test monitor", "4.7.1", "SN-4711-T"),
            self.mdib,
            epr=uuid.UUID(options.epr),
            ssl_context_container=tls,
            max_subscription_duration=options.expires,
        )
        server = None
        if options.port:
            server = FixedPort(options.port, tls)
            server.start()
            server.started_evt.wait(10)
        self.device.start_all(start_rtsample_loop=False, shared_http_server=server)
        self.device.publish()

    def hello(self) -> dict[str, Any]:
        return {"ready": self.device.get_xaddrs()[0], "epr": self.device.epr_urn}

    # Commands ----------------------------------------------------------------------------------------

    def metrics(self, values: dict[str, str], validity: str = "Vld") -> None:
        with self.mdib.metric_state_transaction() as change:
            for handle, text in values.items():
                state = change.get_state(handle)
                if state.MetricValue is None:
                    state.mk_metric_value()
                numeric = hasattr(state.MetricValue, "Value") and "Numeric" in type(state).__name__
                state.MetricValue.Value = Decimal(text) if numeric else text
                state.MetricValue.MetricQuality.Validity = pm_types.MeasurementValidity(validity)
                state.MetricValue.DeterminationTime = time.time()

    def waves(self, values: dict[str, list[str]]) -> None:
        with self.mdib.rt_sample_state_transaction() as change:
            for handle, samples in values.items():
                state = change.get_state(handle)
                if state.MetricValue is None:
                    state.mk_metric_value()
                state.MetricValue.Samples = [Decimal(sample) for sample in samples]
                state.MetricValue.MetricQuality.Validity = pm_types.MeasurementValidity.VALID
                state.MetricValue.DeterminationTime = time.time()

    def alert(
        self,
        condition: str,
        present: bool,
        priority: str | None = None,
        signals: dict[str, str] | None = None,
        upper: str | None = None,
    ) -> None:
        with self.mdib.alert_state_transaction() as change:
            state = change.get_state(condition)
            state.Presence = present
            state.ActivationState = pm_types.AlertActivation.ON
            state.DeterminationTime = time.time()
            if priority:
                state.ActualPriority = pm_types.AlertConditionPriority(priority)
            if upper:
                state.Limits = pm_types.Range(lower=None, upper=Decimal(upper))
                state.MonitoredAlertLimits = pm_types.AlertConditionMonitoredLimits.ALL_ON
            for handle, presence in (signals or {}).items():
                signal = change.get_state(handle)
                signal.ActivationState = pm_types.AlertActivation.ON
                signal.Presence = pm_types.AlertSignalPresence(presence)

    def patient(self, family: str, given: str, number: str, birth: str) -> None:
        handle = self.mdib.descriptions.NODETYPE.get_one(pm_qnames.PatientContextDescriptor).Handle
        with self.mdib.context_state_transaction() as change:
            change.disassociate_all(handle)
            state = change.mk_context_state(handle, set_associated=True)
            state.Identification = [pm_types.InstanceIdentifier(root="urn:oid:2.25.77", extension_string=number)]
            state.CoreData.Familyname, state.CoreData.Givenname = family, given
            state.CoreData.Sex = pm_types.Sex.FEMALE
            year, month, day = (int(part) for part in birth.split("-"))
            state.CoreData.DateOfBirth = XsdDateInformation(year, month, day)

    def discharge(self) -> None:
        handle = self.mdib.descriptions.NODETYPE.get_one(pm_qnames.PatientContextDescriptor).Handle
        with self.mdib.context_state_transaction() as change:
            change.disassociate_all(handle)

    def place(self, unit: str, room: str, bed: str) -> None:
        self.device.set_location(SdcLocation(fac="Test", poc=unit, rm=room, bed=bed), publish_now=True)

    def mode(self, mode: str) -> None:
        with self.mdib.component_state_transaction() as change:
            change.get_state("mds").OperatingMode = pm_types.MdsOperatingMode(mode)

    def battery(self, remaining: str, status: str) -> None:
        with self.mdib.component_state_transaction() as change:
            state = change.get_state("battery")
            state.CapacityRemaining = pm_types.Measurement(Decimal(remaining), pm_types.CodedValue("266195"))
            state.ChargeStatus = state.ChargeStatusEnum(status)

    def remove(self, handle: str) -> None:
        with self.mdib.descriptor_transaction() as change:
            change.remove_descriptor(handle)

    def sequence(self) -> None:
        """Begin a new sequence, as a device does that lost its memory."""
        self.mdib.sequence_id = uuid.uuid4().urn

    def flood(self, seconds: float, handle: str = "hr") -> dict[str, Any]:
        """Change one metric as fast as reports can be delivered."""
        begin, count = time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            self.metrics({handle: str(40 + count % 100)})
            count += 1
        return {"reports": count, "seconds": time.monotonic() - begin}

    def stop(self) -> None:
        self.device.stop_all()
        if isinstance(self.discovery, WSDiscovery):
            self.discovery.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mdib", type=Path, default=HERE / "mdib.xml")
    parser.add_argument("--epr", default="c0ffee00-0000-4000-8000-000000000001")
    parser.add_argument("--discovery", action="store_true")
    parser.add_argument("--tls", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--expires", type=int, default=15)
    provider = Provider(parser.parse_args())
    print(json.dumps(provider.hello()), flush=True)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = getattr(provider, name)(**arguments) or {}
            answer["version"] = provider.mdib.mdib_version
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        if name == "stop":
            break


if __name__ == "__main__":
    main()
