"""Short lists of other standards, known out of the box: currencies, countries, and the device terms that we know.

ISO 4217 as of 2024 with the codes that ended since 2020; ISO 3166-1 from the value sets of R4 that enumerate it;
ISO/IEEE 11073-10101 is our seed (``mdc.csv``) and therefore a fragment, until a release of RTMMS is loaded.
"""

from __future__ import annotations

from functools import lru_cache

from wardbridge.terminology import base, mdc
from wardbridge.terminology.systems.memory import MemorySystem
from wardbridge.terminology.values import Concept, Designation, Head, Property, dicts

CURRENCIES = "urn:iso:std:iso:4217"
COUNTRIES = "urn:iso:std:iso:3166"
DEVICES = "urn:iso:std:iso:11073:10101"

_CURRENCIES = """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA
XXX YER ZAR ZMW ZWG ZWL"""
_COUNTRY_SETS = tuple(f"http://hl7.org/fhir/ValueSet/iso3166-1-{kind}" for kind in ("2", "3", "N"))

FRAGMENTS = frozenset({DEVICES})


@lru_cache(maxsize=4)
def system(url: str) -> MemorySystem:
    """Raises KeyError for another url than those of :func:`urls`."""
    return {CURRENCIES: _currencies, COUNTRIES: _countries, DEVICES: _devices}[url]()


def urls() -> tuple[str, ...]:
    return (CURRENCIES, COUNTRIES, DEVICES)


def _currencies() -> MemorySystem:
    codes = _CURRENCIES.split()
    return MemorySystem(Head(CURRENCIES, name="ISO 4217"), [Concept(c, c, number=n) for n, c in enumerate(codes)])


def _countries() -> MemorySystem:
    found: dict[str, Concept] = {}
    for name in _COUNTRY_SETS:
        for holding in base.holdings("ValueSet", name):
            for include in dicts(base.resource(holding).get("compose", {}).get("include")):
                for entry in dicts(include.get("concept")):
                    code = str(entry["code"])
                    found.setdefault(code, Concept(code, str(entry.get("display", "")), number=len(found)))
    return MemorySystem(Head(COUNTRIES, name="ISO 3166-1"), found.values())


def _devices() -> MemorySystem:
    """By number, with the reference identifier as display and our label beside it."""
    return MemorySystem(
        Head(DEVICES, name="ISO/IEEE 11073-10101", content="fragment", properties=(("refid", ""),)),
        (
            Concept(
                str(term.code),
                term.refid,
                number=n,
                designations=(Designation(mdc.label(term.code, term.refid), "en"),),
                properties=(Property("refid", "valueCode", term.refid),),
            )
            for n, term in enumerate(mdc.nomenclature())
        ),
    )
