"""Words that mean one thing on the ward, another in the workshop and a third in the data centre, each in all three."""

from __future__ import annotations

from wardbridge.terminology.glossary.values import Text


def _word(owner: str, title: str, clinical: str, biomed: str, it: str, *synonyms: str) -> tuple[str, Text]:
    return owner, Text(title=title, synonyms=synonyms, clinical=clinical, biomed=biomed, it=it)


WORDS: tuple[tuple[str, Text], ...] = (
    _word(
        "clinical", "Lead off",
        "An electrode has lost contact with the skin. The rhythm on the screen is not the patient's until it "
        "is put right.",
        "A technical condition, not a fault of the monitor: check electrode, snap and cable before the module "
        "is changed.",
        "Comes as a technical alarm message. Gaps in the waveform are expected and no sign of packet loss.",
        "electrode off", "leads off",
    ),
    _word(
        "clinical", "Artefact",
        "A signal that does not come from what is measured: movement, electrical interference, a cuff that is "
        "leant upon.",
        "Often a cable, an earth or a neighbouring device. Repeated artefacts on one machine deserve a look.",
        "The value is transported correctly; it is wrong before it reaches the network.",
        "artifact", "noise",
    ),
    _word(
        "clinical", "Occlusion",
        "The infusion does not flow: a kink, a closed clamp, a blocked catheter. The patient gets less than "
        "the pump says.",
        "Pressure in the line exceeded the set limit. Frequent ones may be a set that does not fit or a worn sensor.",
        "An alarm message of the pump, of high priority; it must not be filtered or delayed.",
        "downstream occlusion",
    ),
    _word(
        "clinical", "Alarm fatigue",
        "Too many alarms that need no action, so that the one that does is answered late.",
        "Limits, delays and worn accessories decide how many alarms a bed makes; the alarm load of a device "
        "is measurable.",
        "Secondary displays multiply alarms: each one must have one owner and one way to be silenced.",
    ),
    _word(
        "clinical", "Secondary alarm",
        "A copy of the bedside alarm on another screen or phone. The bedside device stays the one to rely on.",
        "The distributed alarm system is not the source: its delay and its loss must be known (IEC 60601-1-8).",
        "The path device to screen is monitored; when it breaks, the screen says so within seconds.",
        "secondary display", "distributed alarm",
    ),
    _word(
        "clinical", "Device binding",
        "Which machine is attached to which patient, from when to when. Values follow it into the record.",
        "The same link says whether a machine is in use: it is not taken for service while it is bound to a patient.",
        "A time interval in the database. Correcting it moves every value of that time, with a trace.",
        "association", "patient association",
    ),
    _word(
        "biomed", "Preventive maintenance",
        "The planned check of a machine. A device that is due keeps working, but it should be exchanged when "
        "it is free.",
        "Inspection, measurement and replacement of wearing parts at an interval that the manufacturer or an AEM "
        "programme sets.",
        "A planned absence from the network: a device in maintenance is no incident.",
        "PM", "planned maintenance",
    ),
    _word(
        "biomed", "Alternative equipment maintenance",
        "Some machines are maintained by the hospital's own evidence instead of the manufacturer's interval.",
        "AEM: allowed only with a documented risk assessment and history; not for imaging, lasers or new "
        "equipment (CMS).",
        "Nothing changes for the network; the due date in the register follows another rule.",
        "AEM",
    ),
    _word(
        "biomed", "Electrical safety test",
        "Proof that touching the machine is safe, done after each repair and at intervals.",
        "Protective earth resistance, insulation and leakage currents by IEC 62353, with the limits of the "
        "device class.",
        "Measured values come from the test equipment and belong to the device's file.",
        "leakage current", "IEC 62353",
    ),
    _word(
        "biomed", "Unique device identification",
        "The bar code on the machine or its packing: it says exactly which product, lot and serial number was used.",
        "UDI: the device identifier names the model, the production identifiers name lot, serial and dates (GS1, "
        "HIBCC, ICCBBA).",
        "The key by which recalls, inventories and purchase data find the same machine.",
        "UDI", "device identifier",
    ),
    _word(
        "biomed", "Recall",
        "A machine or its accessory may harm: take it from the patient as the notice says, do not just switch it off.",
        "A field safety notice: every device that may be affected ends as handled or as not affected, with the reason.",
        "Matched against the register by identifier, model, lot and software version.",
        "field safety notice", "FSN", "hazard alert",
    ),
    _word(
        "biomed", "Quarantine",
        "The machine must not be used: it is suspected of a fault, an infection or a breach.",
        "Set apart with a label until it is inspected and released.",
        "Its network access is cut or limited; its messages are kept but not charted.",
    ),
    _word(
        "biomed", "Firmware",
        "The software inside a machine. A new version may change how an alarm or a limit behaves.",
        "Changed only under a work order, with the version before and after in the device's file.",
        "A version that changes on the wire without a work order is an incident.",
        "embedded software",
    ),
    _word(
        "biomed", "Incoming inspection",
        "A new machine comes to the ward only after it has passed it.",
        "Acceptance test on arrival: completeness, safety, function, settings, and the entry in the register.",
        "Network identity, software versions and open ports are recorded before the first connection.",
        "acceptance test",
    ),
    _word(
        "it", "VLAN",
        "Nothing to see on the ward. If machines of one kind all fall silent at once, it may be their network.",
        "The separate lane of the network in which a class of devices lives. A device in the wrong one finds "
        "no server.",
        "A broadcast domain by tag (IEEE 802.1Q); medical devices are kept apart from office and guest networks.",
        "virtual LAN", "network segment",
    ),
    _word(
        "it", "CVE",
        "A known weakness of software. It does not mean that the machine is unsafe now; the teams decide together.",
        "To be read together with the manufacturer's statement: whether the model is affected, and what to do "
        "until a fix.",
        "Common Vulnerabilities and Exposures: the number under which a weakness is published; KEV lists the "
        "exploited ones.",
        "vulnerability", "KEV",
    ),
    _word(
        "it", "Patch window",
        "The time at which a machine may be updated. Never while it is on a patient.",
        "Agreed with the ward and IT; the machine is tested before it goes back.",
        "Change with approval of biomed and IT; the version is verified on the wire afterwards.",
        "maintenance window",
    ),
    _word(
        "it", "Software bill of materials",
        "The list of ingredients of the software in a machine.",
        "SBOM: asked of every vendor at purchase and with every version.",
        "CycloneDX or SPDX; matched against published weaknesses.",
        "SBOM",
    ),
    _word(
        "it", "MDS2",
        "The manufacturer's answers on security and privacy of a machine, patient data stored in it included.",
        "Says whether a device holds patient data: then it is sanitised before it leaves the house.",
        "Manufacturer Disclosure Statement for Medical Device Security: ports, accounts, encryption, updates.",
    ),
    _word(
        "it", "Acknowledgement",
        "The receiver has taken a result over. Until then it may still be on its way.",
        "A device that gets none repeats its message: no value is lost, none is charted twice.",
        "HL7 v2 ACK: AA taken, AE error, AR refused. Sent only after the data is on disk.",
        "ACK", "NAK",
    ),
    _word(
        "it", "Interface",
        "The connection by which another system sends or gets data; when it is down, data comes late, not never.",
        "Between a device and the network, or between two systems.",
        "One direction of one protocol between two systems, with an owner and a queue.",
        "feed", "HL7 interface",
    ),
    _word(
        "it", "Downtime",
        "A time without the system, planned or not: the ward works on paper by its downtime procedure.",
        "Bedside devices go on measuring and alarming by themselves.",
        "What was measured meanwhile is taken up afterwards where the device has kept it.",
    ),
    _word(
        "it", "Clock drift",
        "The machine's clock is wrong: the order of events on the chart may mislead.",
        "Set or synchronise it; some devices lose their time with the battery.",
        "Offset between the device's clock and the server's (NTP). Both times are kept with every value.",
        "time offset", "NTP",
    ),
    _word(
        "it", "Sanitisation",
        "Patient data in a machine is destroyed before it leaves the hospital.",
        "A step of retirement with a certificate; without it a device cannot be disposed of.",
        "NIST SP 800-88: clear, purge or destroy, with proof.",
        "data erasure",
    ),
)  # fmt: skip
