"""Made-up people of many origins, the same ones for the HIS (PID) and for the record (Patient)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

# The OID arc 2.999 is set aside for examples (ITU-T X.660).
MRN_SYSTEM: Final = "urn:oid:2.999.1.1"
# Where the record keeps the visit numbers of ADT, so that history and ADT mean the same Encounter.
VISIT_SYSTEM: Final = "urn:wardbridge:visit"
MRN_AUTHORITY: Final = "SEAHILL&2.999.1.1&ISO"
VISIT_AUTHORITY: Final = "SEAHILL&2.999.1.2&ISO"

# family name, a woman's and a man's given name of the same origin
NAMES: Final = (
    ("Okonkwo", "Adaeze", "Chidi"), ("Lindqvist", "Ingrid", "Erik"), ("Nguyễn", "Linh", "Minh"),
    ("García Morales", "Lucía", "Mateo"), ("Kowalski", "Zofia", "Tomasz"), ("Haddad", "Leila", "Karim"),
    ("Tanaka", "Haruka", "Kenji"), ("O'Brien", "Niamh", "Cillian"), ("Müller", "Charlotte", "Jürgen"),
    ("Patel", "Priya", "Arjun"), ("Ferreira", "Beatriz", "João"), ("Yılmaz", "Elif", "Emre"),
    ("Dlamini", "Thandiwe", "Sipho"), ("Gill", "Jasleen", "Harpreet"), ("Petrenko", "Olga", "Dmytro"),
    ("Sørensen", "Astrid", "Nikolaj"), ("Rossi", "Giulia", "Marco"), ("Chen", "Mei", "Wei"),
    ("Papadakis", "Eleni", "Andreas"), ("Abdi", "Hodan", "Yusuf"), ("Tupou", "Mele", "Sione"),
    ("Dubois", "Camille", "Étienne"), ("Horvat", "Ana", "Luka"), ("Quispe", "Rosa", "Wilmer"),
)  # fmt: skip
STREETS: Final = ("Harbour Road", "Mill Lane", "Station Street", "Orchard Way", "Church Hill", "Lime Avenue")
DOCTORS: Final = (
    ("7001", "Banerjee", "Anita"), ("7002", "Novak", "Petr"), ("7003", "Achieng", "Grace"),
)  # fmt: skip
NURSES: Final = (("8001", "Silva", "Rui"), ("8002", "Fofana", "Aminata"), ("8003", "Berg", "Kari"))


# Ages are counted from a fixed day: a number once given must not change its birth date overnight.
BORN_BEFORE: Final = date(2026, 1, 1)


@dataclass(frozen=True)
class Person:
    """One patient's administrative data. ``sex`` is male or female; sizes in cm and kg."""

    number: int
    mrn: str
    visit: str
    family: str
    given: str
    sex: str
    born: date
    street: str
    phone: str
    height: int
    weight: float
    doctor: int

    @property
    def name(self) -> str:
        """Family name first, as lists show it."""
        return f"{self.family}, {self.given}"


def people(count: int, seed: int, _today: date | None = None) -> list[Person]:
    """``count`` different people; the same seed gives the same ones on any day (so ``_today`` changes nothing)."""
    rng = np.random.default_rng([seed, 77])
    order = rng.permutation(len(NAMES))
    made = []
    for n in range(count):
        sex = "female" if rng.random() < 0.48 else "male"
        family, woman, man = NAMES[order[n % len(NAMES)]]
        age = int(rng.integers(24, 86))
        height = int(rng.normal(164 if sex == "female" else 177, 7))
        made.append(
            Person(
                number=n + 1,
                mrn=f"{seed % 10}{400_000 + 137 * (n + 1) + int(rng.integers(0, 99)):06d}",
                visit=f"V{seed % 10}{80_000 + 31 * (n + 1)}",
                family=family,
                given=woman if sex == "female" else man,
                sex=sex,
                born=BORN_BEFORE - timedelta(days=age * 365 + int(rng.integers(0, 365))),
                street=f"{int(rng.integers(1, 180))} {STREETS[int(rng.integers(0, len(STREETS)))]}",
                phone=f"+44 1632 96{int(rng.integers(0, 10_000)):04d}",
                height=height,
                weight=round(float(np.clip(rng.normal(25.5, 3.5), 18.5, 36.0)) * (height / 100) ** 2, 1),
                doctor=n % len(DOCTORS),
            )
        )
    return made
