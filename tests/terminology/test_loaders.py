"""Release files of each publisher, in small and made here: what is loaded is what a look-up says."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Invalid
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.terms import Asked
from wardbridge.terminology.loaders import icd10cm
from wardbridge.terminology.loaders.load import load
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.service import Service

COLUMNS = "LOINC_NUM,COMPONENT,PROPERTY,TIME_ASPCT,SYSTEM,SCALE_TYP,METHOD_TYP,CLASS,STATUS,SHORTNAME,LONG_COMMON_NAME"
LOINC = f"""\ufeff{COLUMNS}
"8867-4","Heart rate","NRat","Pt","XXX","Qn","","HRTRATE.ATOM","ACTIVE","Heart rate","Heart rate"
"1-8","Acyclovir, ""old"" form","Susc","Pt","Isolate","OrdQn","","ABXBACT","DEPRECATED","Acyclovir","Acyclovir [Susc]"
"""
TREE = """PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT
"","1","","LP1","Vital signs"
"LP1","1","LP1","8867-4","Heart rate"
"""
GERMAN = '"ID","LOINC_NUM","LONG_COMMON_NAME"\n"1","8867-4","Herzfrequenz"\n'


def rf2(*rows: str) -> str:
    return "".join(row.replace(" | ", "\t") + "\r\n" for row in rows)


SNOMED = {
    "Snapshot/Terminology/sct2_Concept_Snapshot_INT_20260101.txt": rf2(
        "id | effectiveTime | active | moduleId | definitionStatusId",
        "138875005 | 20020131 | 1 | 900000000000207008 | 900000000000074008",
        "404684003 | 20020131 | 1 | 900000000000207008 | 900000000000074008",
        "3424008 | 20020131 | 1 | 900000000000207008 | 900000000000073002",
        "100000000 | 20020131 | 0 | 900000000000207008 | 900000000000074008",
    ),
    "Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20260101.txt": rf2(
        "id | effectiveTime | active | moduleId | conceptId | languageCode | typeId | term | caseSignificanceId",
        "11 | 20020131 | 1 | 9 | 138875005 | en | 900000000000003001 | SNOMED CT Concept (SNOMED RT+CTV3) | 9",
        "21 | 20020131 | 1 | 9 | 404684003 | en | 900000000000013009 | Clinical finding | 9",
        '31 | 20020131 | 1 | 9 | 3424008 | en | 900000000000013009 | Rapid "heart" beat | 9',
        "32 | 20020131 | 1 | 9 | 3424008 | en | 900000000000013009 | Tachycardia | 9",
        "33 | 20020131 | 1 | 9 | 3424008 | en | 900000000000003001 | Tachycardia (finding) | 9",
        "34 | 20020131 | 0 | 9 | 3424008 | en | 900000000000013009 | Withdrawn name | 9",
        "41 | 20020131 | 1 | 9 | 100000000 | en | 900000000000013009 | Old thing | 9",
    ),
    "Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20260101.txt": rf2(
        "id | effectiveTime | active | moduleId | sourceId | destinationId | relationshipGroup | typeId | "
        "characteristicTypeId | modifierId",
        "1 | 20020131 | 1 | 9 | 404684003 | 138875005 | 0 | 116680003 | 9 | 9",
        "2 | 20020131 | 1 | 9 | 3424008 | 404684003 | 0 | 116680003 | 9 | 9",
        "3 | 20020131 | 1 | 9 | 3424008 | 404684003 | 1 | 363698007 | 9 | 9",
        "4 | 20020131 | 0 | 9 | 3424008 | 138875005 | 0 | 116680003 | 9 | 9",
    ),
    "Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20260101.txt": rf2(
        "id | effectiveTime | active | moduleId | refsetId | referencedComponentId | acceptabilityId",
        "a | 20020131 | 1 | 9 | 900000000000509007 | 32 | 900000000000548007",
        "b | 20020131 | 1 | 9 | 900000000000509007 | 31 | 900000000000549004",
    ),
}
CONSO = "\n".join([
    "1191|ENG||||||||||RXNORM|IN||aspirin||N||",
    "1191|ENG||||||||||MTHSPL|SU||ASPIRIN||N||",
    "243670|ENG||||||||||RXNORM|SY||ASA 81 MG||N||",
    "243670|ENG||||||||||RXNORM|SCD||aspirin 81 MG Oral Tablet||N||",
    "999|ENG||||||||||RXNORM|SCD||gone||O||",
    "",
])  # fmt: skip
REL = "243670||CUI|RO|1191||CUI|ingredient_of|||RXNORM||||N||\n"
ICD = "\n".join([
    f"00001 {'A00':7} 0 {'Cholera':60} Cholera",
    f"00002 {'A000':7} 1 {'Cholera due to Vibrio cholerae 01':60} Cholera due to Vibrio cholerae 01, biovar cholerae",
    f"00003 {'A009':7} 1 {'Cholera, unspecified':60} Cholera, unspecified",
    f"00004 {'B20':7} 1 {'HIV disease':60} Human immunodeficiency virus [HIV] disease",
    "",
])  # fmt: skip
RTMMS = """Group,REFID,CF_CODE10,Common Term,Acronym,UOM_MDC
A,MDC_PULS_OXIM_SAT_O2,150456,Arterial oxygen saturation,SpO2,MDC_DIM_PERCENT
B,MDC_PULS_OXIM_SAT_O2,150456,Arterial oxygen saturation,SpO2,MDC_DIM_PERCENT
C,MDC_WITHOUT_CODE,,x,,
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8", newline="")
    return folder


def zipped(folder: Path, name: str, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return folder / name


@pytest.fixture
async def service(database: Any) -> Service:
    clock = SystemClock()
    record = Record(database.pool, clock)
    await record.load()
    return Service(database.pool, record, clock)


async def fetch(service: Service, url: str, code: str) -> Any:
    return await service.pool.fetchrow(
        """SELECT c.display, c.inactive, c.abstract, c.more FROM term_concept c JOIN term_system s ON s.key = c.system
           WHERE s.url = $1 AND s.ready AND c.code = $2""",
        url,
        code,
    )


async def below(service: Service, url: str, code: str) -> set[str]:
    return set(await service.related(url, code, "below"))


async def test_loinc_with_parts_status_and_other_languages(service: Service, tmp_path: Path) -> None:
    files = {
        "LoincTable/Loinc.csv": LOINC,
        "AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv": TREE,
        "AccessoryFiles/LinguisticVariants/deDE15LinguisticVariant.csv": GERMAN,
    }
    path = zipped(tmp_path, "Loinc_2.78.zip", files)
    head, total = await load(service.pool, service.clock, "loinc", path)
    assert (head.version, total) == ("2.78", 3)
    assert (await fetch(service, head.url, "1-8"))["inactive"] is True
    assert (await fetch(service, head.url, "LP1"))["abstract"] is True
    rate = await fetch(service, head.url, "8867-4")
    assert rate["display"] == "Heart rate"
    assert "Herzfrequenz" in rate["more"]
    assert "HRTRATE.ATOM" in rate["more"]
    assert await below(service, head.url, "LP1") == {"LP1", "8867-4"}


async def test_snomed_ct_with_its_hierarchy_and_preferred_names(service: Service, tmp_path: Path) -> None:
    head, total = await load(service.pool, service.clock, "snomed", write(tmp_path, SNOMED))
    assert head.version == "http://snomed.info/sct/900000000000207008/version/20260101"
    assert total == 4
    fast = await fetch(service, head.url, "3424008")
    assert fast["display"] == "Tachycardia"
    assert "Withdrawn" not in fast["more"]
    assert '\\"heart\\"' in fast["more"]
    assert (await fetch(service, head.url, "100000000"))["inactive"] is True
    assert await below(service, head.url, "404684003") == {"404684003", "3424008"}
    assert await below(service, head.url, "138875005") == {"138875005", "404684003", "3424008"}


async def test_rxnorm_takes_its_best_name(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path / "RxNorm_full_01052026", {"rrf/RXNCONSO.RRF": CONSO, "rrf/RXNREL.RRF": REL})
    head, total = await load(service.pool, service.clock, "rxnorm", path)
    assert (head.version, total) == ("01052026", 3)
    tablet = await fetch(service, head.url, "243670")
    assert tablet["display"] == "aspirin 81 MG Oral Tablet"
    assert "ASA 81 MG" in tablet["more"]
    assert "243670" in (await fetch(service, head.url, "1191"))["more"]
    assert (await fetch(service, head.url, "999"))["inactive"] is True


async def test_icd_10_cm_gets_its_dots_and_its_hierarchy(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path, {"icd10cm_order_2026.txt": ICD}) / "icd10cm_order_2026.txt"
    head, total = await load(service.pool, service.clock, "icd10cm", path)
    assert (head.version, total) == ("2026", 4)
    assert (await fetch(service, head.url, "A00"))["abstract"] is True
    assert (await fetch(service, head.url, "A00.0"))["display"].endswith("biovar cholerae")
    assert await below(service, head.url, "A00") == {"A00", "A00.0", "A00.9"}


async def test_ieee_11073_from_an_rtmms_export(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path, {"hrtm.csv": RTMMS})
    head, total = await load(service.pool, service.clock, "rtmms", path, "2026-01")
    assert total == 1
    assert (await fetch(service, head.url, "150456"))["display"] == "MDC_PULS_OXIM_SAT_O2"


async def test_a_release_is_judged_with_at_once_and_replaced_by_its_next_load(service: Service, tmp_path: Path) -> None:
    asked = [Asked("", "http://hl7.org/fhir/sid/icd-10-cm", "B20")]
    assert (await service.judge(asked))[0].member is None
    path = write(tmp_path, {"icd10cm_order_2026.txt": ICD})
    for _ in range(2):
        await load(service.pool, service.clock, "icd10cm", path)
        assert (await service.judge(asked))[0].member is True
    assert await service.pool.fetchval("SELECT count(*) FROM term_concept") == 4


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("loinc", {"other.csv": "a,b\n"}, "holds no Loinc.csv"),
        ("loinc", {"Loinc.csv": "NUMBER\n1\n"}, "LOINC_NUM"),
        ("rxnorm", {"RXNCONSO.RRF": "1|2\n"}, "line 1: 2 fields"),
        ("icd10cm", {"icd10cm_order_2026.txt": ICD + "nonsense\n"}, "line 5"),
        ("rtmms", {"x.csv": "A,B\n1,2\n"}, "no CSV"),
        ("snomed", {"sct2_Concept_Snapshot_INT.txt": "id\n"}, "release's date"),
        ("icd9", {}, "no format"),
    ],
)
async def test_what_cannot_be_read_is_named_and_leaves_nothing(
    service: Service, tmp_path: Path, name: str, files: dict[str, str], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        await load(service.pool, service.clock, name, write(tmp_path, files))
    assert await service.pool.fetchval("SELECT count(*) FROM term_system") == 0


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        Release(tmp_path / "nothing").names()


@given(st.from_regex(r"[A-Z][0-9][0-9A-Z]{1,5}", fullmatch=True))
def test_a_dot_comes_after_three(code: str) -> None:
    assert icd10cm.dotted(code).replace(".", "") == code
    assert icd10cm.dotted(code)[3:4] in (".", "")
