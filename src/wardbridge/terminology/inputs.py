"""The parameters of the terminology operations, as tables (R4 OperationDefinitions, HL7 tx ecosystem)."""

from __future__ import annotations

from wardbridge.fhir.rest.operations import MANY, Parameter


def _p(name: str, type_: str, about: str = "", *, many: bool = False, least: int = 0) -> Parameter:
    return Parameter(name, type_, least, MANY if many else 1, about)


COMMON = (
    _p("displayLanguage", "code", "Languages of displays, best first (as in Accept-Language)."),
    _p("useSupplement", "canonical", "Supplements to use.", many=True),
    _p("tx-resource", "Resource", "Resources to be known for this request only.", many=True),
)
VERSIONS = (
    _p("system-version", "canonical", "The version of a system where a value set names none.", many=True),
    _p("check-system-version", "canonical", "The only version of a system that is allowed.", many=True),
    _p("force-system-version", "canonical", "The version of a system whatever a value set names.", many=True),
    _p("default-valueset-version", "canonical", "The version of a value set where an import names none.", many=True),
    _p("check-valueset-version", "canonical", "As check-system-version, of value sets.", many=True),
    _p("force-valueset-version", "canonical", "As force-system-version, of value sets.", many=True),
)
_CODED = (
    _p("code", "code", "The code, with its system."),
    _p("system", "uri", "The system of the code."),
    _p("systemVersion", "string", "The version of the system."),
    _p("display", "string", "The display to be checked."),
    _p("coding", "Coding", "A coding instead of code and system."),
    _p("codeableConcept", "CodeableConcept", "Several codings: one of them must be right."),
    _p("date", "dateTime", "Accepted; the current content answers."),
    _p("abstract", "boolean", "False: abstract codes are refused."),
    _p("activeOnly", "boolean", "Inactive codes are refused."),
    _p("lenient-display-validation", "boolean", "A wrong display is only warned of."),
    _p("valueset-membership-only", "boolean", "Nothing but membership is looked at."),
    _p("inferSystem", "boolean", "Find the system of the code in the value set."),
)
IN_SET = (
    _p("url", "uri", "The value set."),
    _p("context", "uri", "Not used."),
    _p("valueSet", "ValueSet", "The value set itself."),
    _p("valueSetVersion", "string", "Its version."),
    *_CODED,
    *VERSIONS,
    *COMMON,
)
IN_SYSTEM = (
    _p("url", "uri", "The code system."),
    _p("codeSystem", "CodeSystem", "The code system itself."),
    _p("version", "string", "Its version."),
    *_CODED,
    *VERSIONS,
    *COMMON,
)
VALID = (
    _p("result", "boolean", "Whether all is right.", least=1),
    _p("message", "string", "What is wrong or to be noticed."),
    _p("display", "string", "The display of the code."),
    _p("code", "code"),
    _p("system", "uri"),
    _p("version", "string", "The version that answered."),
    _p("codeableConcept", "CodeableConcept"),
    _p("inactive", "boolean"),
    _p("status", "code"),
    _p("normalized-code", "code", "The code as the system writes it."),
    _p("issues", "OperationOutcome", "Every problem with its place."),
    _p("x-unknown-system", "canonical", "A system that is not known here.", many=True),
    _p("x-caused-by-unknown-system", "canonical", "A version of a system that is not known here.", many=True),
)
LOOKUP = (
    _p("code", "code"),
    _p("system", "uri"),
    _p("version", "string"),
    _p("coding", "Coding"),
    _p("date", "dateTime", "Accepted; the current content answers."),
    _p("property", "code", "Properties to be told; * for all.", many=True),
    *VERSIONS[:3],
    *COMMON,
)
LOOKED_UP = (
    _p("name", "string", least=1),
    _p("version", "string"),
    _p("display", "string", least=1),
    _p("code", "code"),
    _p("system", "uri"),
    _p("abstract", "boolean"),
    _p("definition", "string"),
    Parameter("designation", "", 0, MANY, "", (_p("language", "code"), _p("use", "Coding"), _p("value", "string"))),
    Parameter("property", "", 0, MANY, "", (_p("code", "code"), _p("value", "string"), _p("description", "string"))),
    _p("used-supplement", "canonical", many=True),
)
SUBSUMES = (
    _p("codeA", "code"),
    _p("codeB", "code"),
    _p("system", "uri"),
    _p("version", "string"),
    _p("codingA", "Coding"),
    _p("codingB", "Coding"),
    *VERSIONS[:3],
    COMMON[2],
)
SUBSUMED = (_p("outcome", "code", "equivalent, subsumes, subsumed-by or not-subsumed.", least=1),)
EXPAND = (
    _p("url", "uri"),
    _p("valueSet", "ValueSet"),
    _p("valueSetVersion", "string"),
    _p("context", "uri", "Not used."),
    _p("contextDirection", "code", "Not used."),
    _p("filter", "string", "Each word begins a word of the code, display or designations."),
    _p("date", "dateTime", "Accepted; the current content answers."),
    _p("offset", "integer"),
    _p("count", "integer"),
    _p("includeDesignations", "boolean"),
    _p("designation", "string", "Which: language or system|code of the use.", many=True),
    _p("includeDefinition", "boolean", "The compose of the value set too."),
    _p("activeOnly", "boolean"),
    _p("excludeNested", "boolean", "False: as a tree, where it is not paged."),
    _p("excludeNotForUI", "boolean", "Accepted."),
    _p("excludePostCoordinated", "boolean", "Accepted: nothing is post-coordinated."),
    _p("property", "string", "Properties to be told.", many=True),
    *VERSIONS,
    *COMMON,
)
EXPANDED = (_p("return", "ValueSet", least=1),)
BATCH = (
    Parameter("validation", "Resource", 1, MANY, "Parameters of one $validate-code each."),
    *IN_SET,
)
BATCHED = (Parameter("validation", "Resource", 1, MANY, "The answer of each, in order."),)
TRANSLATE = (
    _p("url", "uri", "The map."),
    _p("conceptMap", "ConceptMap"),
    _p("conceptMapVersion", "string"),
    _p("code", "code"),
    _p("system", "uri"),
    _p("version", "string"),
    _p("source", "uri", "The value set of the code."),
    _p("coding", "Coding"),
    _p("codeableConcept", "CodeableConcept"),
    _p("target", "uri", "The value set of the translation."),
    _p("targetsystem", "uri", "The system of the translation."),
    _p("reverse", "boolean", "Against the direction of the map."),
    _p("sourceCode", "code", "The names of R5 are understood too."),
    _p("sourceSystem", "uri"),
    _p("sourceCoding", "Coding"),
    _p("sourceCodeableConcept", "CodeableConcept"),
    _p("targetCode", "code"),
    _p("targetCoding", "Coding"),
    _p("targetSystem", "uri"),
    COMMON[2],
)
TRANSLATED = (
    _p("result", "boolean", least=1),
    _p("message", "string"),
    Parameter(
        "match",
        "",
        0,
        MANY,
        "",
        (_p("equivalence", "code"), _p("concept", "Coding"), _p("source", "uri"), _p("originMap", "canonical")),
    ),
)
