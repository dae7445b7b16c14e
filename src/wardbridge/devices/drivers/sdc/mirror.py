"""Our picture of a provider's MDIB: takes in the whole of it and then its reports, and says what is new.

IEEE 11073-10207: versions guard every step. A state that is not newer than ours is a repeat and dropped
(counted ``stale``); a jump means lost reports (counted ``missed``); another sequence or instance id, or a
handle that we do not know, means that our picture is void: :class:`Resync`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from wardbridge.devices.drivers.sdc import alerts, components, contexts, metrics
from wardbridge.devices.drivers.sdc.contexts import Dpws
from wardbridge.devices.drivers.sdc.describe import MetricFacts, Node, Tree, metric_facts
from wardbridge.devices.drivers.sdc.mapping import (
    KIND,
    OPERATING,
    PRIORITY,
    child,
    children,
    local,
    micros,
    text_of,
)
from wardbridge.devices.values import (
    AlertSignal,
    AnyValue,
    Quality,
    Reading,
    SubjectHint,
)

CONTEXTS = ("PatientContext", "LocationContext")


class Resync(Exception):
    """What we hold no longer fits the provider; the whole MDIB has to be read again."""


@dataclass
class Heard:
    """What reports said, by medical device system, and what of it was not understood."""

    values: defaultdict[str, list[AnyValue]] = field(default_factory=lambda: defaultdict(list))
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    actions: set[str] = field(default_factory=set)
    first: int = -1
    last: int = -1

    def problem(self, code: str, where: str, what: str) -> None:
        self.problems.append((code, where, what))


class Mirror:
    """One provider. ``device`` is its endpoint reference; not safe to use from two threads at once."""

    def __init__(self, device: str, dpws: Dpws | None = None) -> None:
        self.device = device
        self.dpws = dpws or Dpws()
        self.sequence = ""
        self.instance = ""
        self.version = -1
        self.counts: Counter[str] = Counter()
        self._tree = Tree()
        self._facts: dict[str, MetricFacts] = {}
        self._states: dict[str, Any] = {}  # by descriptor handle, contexts by their own
        self._alerts: dict[str, alerts.Status] = {}
        self._hints: dict[str, SubjectHint] = {}
        self._codes_told: set[str] = set()
        self._watching: dict[str, list[Node]] | None = None  # metric -> conditions
        self._signalling: dict[str, list[Node]] = {}  # condition -> signals

    # What is asked from outside ----------------------------------------------------------------------

    def machines(self) -> list[str]:
        return [node.handle for node in self._tree.named("Mds")]

    def key(self, mds: str) -> str:
        """The device key of a medical device system: the EPR, with the handle where there are several."""
        return self.device if len(self.machines()) < 2 else f"{self.device}/{mds}"

    def load(self, mdib: Any, received: int, group: Any = None) -> Heard:
        """Take in a whole MDIB (an element with MdDescription and MdState) and tell all of it.

        Alerts that were live before and are no more are told as ended; those that are live are told as
        ``continue``. Raises ValueError for an MDIB without a description.
        """
        group = mdib if group is None else group
        description, state = child(mdib, "MdDescription"), child(mdib, "MdState")
        if description is None or state is None:
            raise ValueError("the MDIB has no MdDescription or no MdState")
        self.sequence, self.instance = group.get("SequenceId", ""), group.get("InstanceId", "0")
        self.version = int(group.get("MdibVersion", "0"))
        self._tree.clear()
        self._watching = None
        self._facts.clear()
        self._states.clear()
        before, self._alerts = self._alerts, {}
        self._hints.clear()
        for mds in children(description, "Mds"):
            self._tree.add(mds, "")
        heard = Heard(first=self.version, last=self.version, actions={"Mdib"})
        for item in children(state, "State"):
            self._keep(item)
        for machine in self.machines():
            self._identify(machine, heard)
            self._hint(machine, heard)
        # Alerts are judged first, so that readings know whether they are in alarm, and told last.
        alarms = Heard()
        for condition in self._tree.named("AlertCondition"):
            self._judge(condition.handle, received, alarms, before.get(condition.handle), first=True)
        for handle, item in list(self._states.items()):
            node = self._node_of(item)
            if node is not None:
                self._tell(node, handle, item, None, received, heard)
        for mds, values in alarms.values.items():
            heard.values[mds] += values
        return heard

    def apply(self, message: Any, received: int, heard: Heard | None = None) -> Heard:
        """Take in one notification (the element in the SOAP body). Raises Resync where it cannot be."""
        heard = heard or Heard()
        group = message.get("SequenceId", ""), message.get("InstanceId", "0")
        if group != (self.sequence, self.instance):
            raise Resync("the provider began a new sequence")
        name = local(message)
        version = int(message.get("MdibVersion", "0"))
        heard.actions.add(name)
        heard.first = version if heard.first < 0 else min(heard.first, version)
        heard.last = max(heard.last, version)
        self.version = max(self.version, version)
        touched: set[str] = set()
        if name == "DescriptionModificationReport":
            self._modify(message, received, heard, touched)
        elif name == "SystemErrorReport":
            for part in message:
                heard.values[self._first()].append(components.system_error(part))
        else:
            states = message if name == "WaveformStream" else [s for part in message for s in part]
            for state in states:
                if state.get("DescriptorHandle"):
                    self._state(state, received, heard, touched)
        for condition in sorted(touched):
            self._judge(condition, received, heard, self._alerts.get(condition))
        return heard

    # States ------------------------------------------------------------------------------------------

    def _first(self) -> str:
        machines = self.machines()
        return machines[0] if machines else ""

    def _node_of(self, state: Any) -> Node | None:
        return self._tree.nodes.get(state.get("DescriptorHandle", ""))

    def _keep(self, state: Any) -> tuple[str, Any]:
        """Store a state; returns its key and the one that was there."""
        key = state.get("Handle") or state.get("DescriptorHandle", "")
        old = self._states.get(key)
        self._states[key] = state
        return key, old

    def _state(self, state: Any, received: int, heard: Heard, touched: set[str]) -> None:
        node = self._node_of(state)
        if node is None:
            raise Resync("a report is about a handle that we do not know")
        key = state.get("Handle") or node.handle
        old = self._states.get(key)
        if old is not None:
            step = int(state.get("StateVersion", "0")) - int(old.get("StateVersion", "0"))
            if step <= 0:
                self.counts["stale"] += 1
                return
            if step > 1:
                self.counts["missed"] += step - 1
        self._keep(state)
        self._tell(node, key, state, old, received, heard)
        if node.name in CONTEXTS:
            self._hint(self._tree.mds(node.handle), heard)
        touched |= self._conditions(node)

    def _conditions(self, node: Node) -> set[str]:
        """The alert conditions that a state of this node has a say in."""
        if node.name == "AlertCondition":
            return {node.handle}
        if node.name == "AlertSignal":
            signaled = node.element.get("ConditionSignaled", "")
            return {signaled} if signaled in self._tree.nodes else set()
        if node.name == "AlertSystem":
            below = self._tree.below.get(node.handle, [])
            return {h for h in below if self._tree.nodes[h].name == "AlertCondition"}
        return set()

    def _tell(self, node: Node, key: str, state: Any, old: Any, received: int, heard: Heard) -> None:
        mds = self._tree.mds(node.handle)
        values = heard.values[mds]
        if node.name == "Metric":
            try:
                values += self._metric(node, state)
            except ValueError as error:
                heard.problem("metric", node.handle, str(error))
                self.counts["unreadable"] += 1
            if node.code.problem and node.handle not in self._codes_told:
                self._codes_told.add(node.handle)
                self.counts["unknown_codes"] += 1
                heard.problem(f"code-{node.code.problem}", node.handle, node.code.refid or str(node.code.code))
        else:
            values += components.events(node, state, old, received)

    def _metric(self, node: Node, state: Any) -> list[AnyValue]:
        facts = self._facts.get(node.handle)
        if facts is None:
            facts = self._facts[node.handle] = metric_facts(node)
        channel = self._tree.channel(node.handle)
        extra = self._mode(node)
        if node.kind in metrics.WAVES:
            wave = metrics.waveform(node, facts, channel, state, extra)
            return [] if wave is None else [wave]
        limits = ("", "")
        for condition in self._sourced(node.handle):
            shown = self._states.get(condition.handle)
            status = self._alerts.get(condition.handle)
            if status is not None and status.live:
                extra |= Quality.IN_ALARM
            if shown is not None and shown.get("ActivationState", "On") in alerts.ALARM:
                extra |= Quality.ALARM_INHIBITED
            low, high = alerts.limits_of(shown)
            limits = (low or limits[0], high or limits[1])
        return [metrics.reading(node, facts, channel, state, extra, limits)]

    def _mode(self, node: Node) -> Quality:
        """What the operating mode of the machine makes of its values."""
        state = self._states.get(self._tree.mds(node.handle))
        return OPERATING.get("Nml" if state is None else state.get("OperatingMode", "Nml"), Quality.TEST)

    def _sourced(self, metric: str) -> list[Node]:
        """The alert conditions that watch a metric."""
        return self._index().get(metric, [])

    def _index(self) -> dict[str, list[Node]]:
        """Conditions by metric; built again after the description changed."""
        if self._watching is None:
            self._watching, self._signalling = {}, {}
            for node in self._tree.named("AlertCondition"):
                for source in children(node.element, "Source"):
                    self._watching.setdefault((source.text or "").strip(), []).append(node)
            for node in self._tree.named("AlertSignal"):
                self._signalling.setdefault(node.element.get("ConditionSignaled", ""), []).append(node)
        return self._watching

    # Alerts ------------------------------------------------------------------------------------------

    def _judge(
        self, handle: str, received: int, heard: Heard, before: alerts.Status | None, first: bool = False
    ) -> None:
        """Tell the alert of a condition if it changed."""
        node, state = self._tree.nodes.get(handle), self._states.get(handle)
        if node is None or state is None:
            return
        self._index()
        signals = [
            (signal.element.get("Manifestation", ""), self._states[signal.handle])
            for signal in self._signalling.get(handle, [])
            if signal.handle in self._states
        ]
        system = self._tree.up(handle, "AlertSystem")
        sent = state.get("ActualPriority") or node.element.get("Priority", "None")
        after = alerts.status(
            state,
            signals,
            self._states.get(system.handle) if system else None,
            PRIORITY.get(sent, "PN"),
            alerts.limits_of(state),
        )
        self._alerts[handle] = after
        if first and before is not None and before.live and after.live:
            before = None
        told = alerts.phase(before, after)
        if told:
            signal = self._alert(node, state, after, told, received, signals)
            heard.values[self._tree.mds(handle)].append(signal)

    def _alert(
        self,
        node: Node,
        state: Any,
        after: alerts.Status,
        told: str,
        received: int,
        signals: list[tuple[str, Any]],
    ) -> AlertSignal:
        source = next((s.text.strip() for s in children(node.element, "Source") if s.text), "")
        metric = self._tree.nodes.get(source)
        shown: Reading | None = None
        if metric is not None and metric.name == "Metric" and metric.kind not in metrics.WAVES:
            held = self._states.get(source)
            values = self._metric(metric, held) if held is not None else []
            shown = values[0] if values and isinstance(values[0], Reading) else None
        versions = [state.get("StateVersion", "0"), *(s.get("StateVersion", "0") for _, s in signals)]
        kind = KIND.get(node.element.get("Kind", "Oth"), "SA")
        return AlertSignal(
            alert_id=f"{self.device}/{node.handle}",
            event_id=f"{self.sequence}/{node.handle}/{'.'.join(versions)}/{told}",
            phase=told,
            state=after.state,
            priority=after.priority,
            kind="SA" if after.priority == "PN" else kind,
            code=node.code.code,
            refid=node.code.refid,
            text=node.code.text or self._cause(node),
            source_code=metric.code.code if metric is not None else 0,
            source_refid=metric.code.refid if metric is not None else "",
            channel=self._tree.channel(source) if metric is not None and metric.name == "Metric" else "",
            value=shown.text if shown is not None else "",
            unit=shown.ucum or shown.unit if shown is not None else "",
            low=after.low,
            high=after.high,
            inactivation=after.inactivation,
            device_time=micros(state.get("DeterminationTime")) or received,
            heartbeat=told == "continue",
        )

    def _cause(self, node: Node) -> str:
        cause = child(node.element, "CauseInfo")
        return text_of(cause, "Description")

    # Description and contexts ------------------------------------------------------------------------

    def _modify(self, message: Any, received: int, heard: Heard, touched: set[str]) -> None:
        """A DescriptionModificationReport: created, updated and deleted descriptors, then their states."""
        identify: set[str] = set()
        self._watching = None
        for part in message:
            how = part.get("ModificationType", "Upt")
            for element in part:
                if local(element) != "Descriptor":
                    continue
                if how == "Del":
                    handle = element.get("Handle", "")
                    mds = self._tree.mds(handle)
                    for node in self._tree.drop(handle):
                        self._states.pop(node.handle, None)
                        self._facts.pop(node.handle, None)
                        self._alerts.pop(node.handle, None)
                        heard.values[mds] += components.module(node, self.key(mds), "module_removed")
                    continue
                for node in self._tree.add(element, part.get("ParentDescriptor", "")):
                    self._facts.pop(node.handle, None)
                    mds = self._tree.mds(node.handle)
                    if node.name in {"Mds", "Vmd"}:
                        identify.add(mds)
                    if how == "Crt":
                        heard.values[mds] += components.module(node, self.key(mds), "module_added")
            if how != "Del":
                for element in part:
                    if local(element) == "State":
                        self._fresh(element, received, heard, touched)
        for mds in sorted(identify):
            self._identify(mds, heard)

    def _fresh(self, state: Any, received: int, heard: Heard, touched: set[str]) -> None:
        """A state that came with its descriptor: the version may stay when only the descriptor changed."""
        node = self._node_of(state)
        if node is None:
            raise Resync("a modification has a state without its descriptor")
        key, old = self._keep(state)
        self._tell(node, key, state, old, received, heard)
        if node.name in CONTEXTS:
            self._hint(self._tree.mds(node.handle), heard)
        touched |= self._conditions(node)

    def _identify(self, mds: str, heard: Heard) -> None:
        node, key = self._tree.nodes.get(mds), self.key(mds)
        if node is None:
            return
        clocks = [n.handle for n in self._tree.named("Clock") if self._tree.mds(n.handle) == mds]
        clock = self._states.get(clocks[0]) if clocks else None
        place = self._place(mds)
        told = contexts.identity(node, key, "", self.dpws, place, components.clock_text(clock))
        heard.values[mds].append(told)
        for handle in self._tree.below.get(mds, []):
            module = self._tree.nodes[handle]
            if module.name == "Vmd":
                name = f"{key}/{handle}"
                heard.values[mds].append(contexts.identity(module, name, key, Dpws()))

    def _associated(self, name: str, mds: str) -> Any:
        """The context state of a kind that is associated now; None for none."""
        for state in self._states.values():
            node = self._node_of(state)
            if (
                node is not None
                and node.name == name
                and state.get("ContextAssociation") == "Assoc"
                and self._tree.mds(node.handle) == mds
            ):
                return state
        return None

    def _place(self, mds: str) -> str:
        state = self._associated("LocationContext", mds)
        return contexts.place_of(state) if state is not None else ""

    def _hint(self, mds: str, heard: Heard) -> None:
        """Tell patient and place where they changed. Silence is kept while nobody was ever named."""
        patient, place = self._associated("PatientContext", mds), self._place(mds)
        before = self._hints.get(mds)
        left = patient is None and before is not None and (before.unknown or before.ids != () or before.family != "")
        hint = contexts.subject(patient, place, left)
        if hint == before or (before is None and patient is None and not place):
            return
        self._hints[mds] = hint
        heard.values[mds].append(hint)
