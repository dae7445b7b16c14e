"""How strict a validation is where the standard leaves it open."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["error", "warning", "information"]


class Options(msgspec.Struct, frozen=True):
    """The severities of what may be right though nobody here can tell, and checks that not every caller wants.

    `unknown_extensions`: an extension without a definition here; `unknown_modifiers`: one that changes the meaning.
    `unknown_profiles`: a profile without a definition here.  `relative_canonicals`: a canonical URL without a scheme.
    `codings`: judge every coding with a system, not only those that a binding asks for; `displays`: a display that is
    none of its code's.  `vital_signs`: observations with the code of a vital sign must follow its profile of the
    standard.  `definitions`: a StructureDefinition's differential must fit its base, a ValueSet's filters be right.
    `examples`: URLs of example.org are fine.  `contained`: look into contained resources.  `html`: refuse what looks
    like tags in plain strings.  `exists`: a reference to where its server would be seen must find something there
    (within a Bundle or Parameters).  `domains`: extensions whose URL starts so are taken as known.
    `links`: judge the links of narratives.  `signatures`: verify them.
    """

    unknown_extensions: Severity = "information"
    unknown_modifiers: Severity = "warning"
    unknown_profiles: Severity = "warning"
    relative_canonicals: Severity = "warning"
    displays: Severity = "warning"
    codings: bool = False
    vital_signs: bool = False
    definitions: bool = False
    links: bool = False
    examples: bool = True
    contained: bool = True
    html: bool = False
    exists: bool = False
    signatures: bool = False
    domains: tuple[str, ...] = ()


WRITE = Options()
"""For writing: what is certainly wrong is refused, nothing else is looked for."""

FULL = Options(unknown_modifiers="error", codings=True, vital_signs=True, definitions=True, links=True, signatures=True)
"""For `$validate`: everything is looked at."""

STRICT = Options(
    unknown_modifiers="error",
    unknown_extensions="error",
    relative_canonicals="error",
    displays="error",
    codings=True,
    vital_signs=True,
    definitions=True,
    links=True,
    signatures=True,
)
"""As the reference validator is set up by default."""
