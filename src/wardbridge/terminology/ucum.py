"""UCUM: whether a text is a unit, by the grammar and the tables of https://ucum.org/ucum (case sensitive form).

    term = component, { ("." | "/"), component }      a leading "/" is allowed
    component = "(" term ")" | integer | [prefix] atom [exponent] [annotation] | annotation

Quantities are compared by ``wardbridge.fhir.search.units``; here is what it needs not: the whole of the syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wardbridge.terminology import units


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PREFIXES = _set("Y Z E P T G M k h da d c m u n p f a z y Ki Mi Gi Ti")

METRIC = _set("""m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv L l ar t bar u eV pc gf
    st Ky Gal dyn erg P Bi St Mx G Oe Gb sb Lmb ph Ci R RAD REM cal cal_[15] cal_[20] cal_m cal_IT cal_th [Cal]
    m[H2O] m[Hg] [iU] [IU] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U]
    [bdsk'U] [ka'U] [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU]
    [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU] eq osm g% [S] U kat [g] Np B B[SPL] B[V] B[mV] B[uV] B[10.nV]
    B[W] B[kW] b bit By Bd sph tex [hnsf'U] [mu_0] [eps_0] [c] [h] [k] [e] [m_e] [m_p] [G] [ly] mho Vs m[H2O]
    [m/s2/Hz^(1/2)] att""")
"""Atoms that take a prefix."""

PLAIN = _set("""10* 10^ [pi] % [ppth] [ppm] [ppb] [pptr] gon deg ' '' min h d a_t a_j a_g a wk mo_s mo_j mo_g mo
    AU atm [lbf_av] [in_i] [ft_i] [yd_i] [mi_i] [fth_i] [nmi_i] [kn_i] [sin_i] [sft_i] [syd_i] [cin_i] [cft_i]
    [cyd_i] [bf_i] [cr_i] [mil_i] [cml_i] [hd_i] [ft_us] [yd_us] [in_us] [rd_us] [ch_us] [lk_us] [rch_us] [rlk_us]
    [fth_us] [fur_us] [mi_us] [acr_us] [srd_us] [smi_us] [sct] [twp] [mil_us] [in_br] [ft_br] [rd_br] [ch_br]
    [lk_br] [fth_br] [pc_br] [yd_br] [mi_br] [nmi_br] [kn_br] [acr_br] [gal_us] [bbl_us] [qt_us] [pt_us] [gil_us]
    [foz_us] [fdr_us] [min_us] [crd_us] [bu_us] [gal_wi] [pk_us] [dqt_us] [dpt_us] [tbs_us] [tsp_us] [cup_us]
    [foz_m] [cup_m] [tsp_m] [tbs_m] [gal_br] [pk_br] [bu_br] [qt_br] [pt_br] [gil_br] [foz_br] [fdr_br] [min_br]
    [gr] [lb_av] [oz_av] [dr_av] [scwt_av] [lcwt_av] [ston_av] [lton_av] [stone_av] [pwt_tr] [oz_tr] [lb_tr]
    [sc_ap] [dr_ap] [oz_ap] [lb_ap] [oz_m] [lne] [pnt] [pca] [pnt_pr] [pca_pr] [pied] [pouce] [ligne] [didot]
    [cicero] [degF] [degR] [degRe] [Btu_39] [Btu_59] [Btu_60] [Btu_m] [Btu_IT] [Btu_th] [Btu] [HP] [in_i'H2O]
    [in_i'Hg] [PRU] [wood'U] [diop] [p'diop] %[slope] [mesh_i] [Ch] [drp] [hnsf'U] [MET] [hp'_X] [hp'_C] [hp'_M]
    [hp'_Q] [hp_X] [hp_C] [hp_M] [hp_Q] [kp_X] [kp_C] [kp_M] [kp_Q] [pH] [HPF] [LPF] [smoot] [car_m] [car_Au] circ
    [den] [psi] [bf_i] bit_s [AMU]""")
"""Atoms that take none."""

_NUMBER = re.compile(r"[0-9]+")
_EXPONENT = re.compile(r"[+-]?[0-9]+")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
# Letters, quotes, stars and whole brackets: the longest run that can be a symbol, exponents excluded.
_SYMBOL = re.compile(r"10\*|10\^|(?:\[[^\[\]{}\s]*\]|[A-Za-z%'_*^])+")
DEPTH = 16


class _Wrong(Exception):
    pass


@lru_cache(maxsize=8192)
def valid(code: str) -> bool:
    """Whether ``code`` is a unit of UCUM.

    >>> valid("mm[Hg]"), valid("ug/kg/min"), valid("10*3/uL"), valid("{beats}/min"), valid("mmHg"), valid("mcg")
    (True, True, True, True, False, False)
    """
    if not code or len(code) > 255 or not code.isascii():
        return False
    try:
        return _term(code, 0, 0) == len(code)
    except _Wrong:
        return False


def _term(text: str, at: int, depth: int) -> int:
    if depth > DEPTH:
        raise _Wrong
    if text[at : at + 1] == "/":
        at += 1
    at = _component(text, at, depth)
    while text[at : at + 1] in (".", "/") and at < len(text):
        at = _component(text, at + 1, depth)
    return at


def _component(text: str, at: int, depth: int) -> int:
    if text[at : at + 1] == "(":
        end = _term(text, at + 1, depth + 1)
        if text[end : end + 1] != ")":
            raise _Wrong
        end += 1
        return _annotated(text, _power(text, end))
    if text[at : at + 1] == "{":
        return _annotation(text, at)
    symbol = _SYMBOL.match(text, at)
    if symbol is not None:
        if not known(symbol[0]):
            raise _Wrong
        return _annotated(text, _power(text, symbol.end()))
    number = _NUMBER.match(text, at)
    if number is None:
        raise _Wrong
    return _annotated(text, number.end())


def _power(text: str, at: int) -> int:
    found = _EXPONENT.match(text, at)
    return found.end() if found else at


def _annotated(text: str, at: int) -> int:
    return _annotation(text, at) if text[at : at + 1] == "{" else at


def _annotation(text: str, at: int) -> int:
    found = _ANNOTATION.match(text, at)
    if found is None:
        raise _Wrong
    return found.end()


def known(symbol: str) -> bool:
    """Whether a symbol is an atom, or a metric atom with a prefix."""
    if symbol in METRIC or symbol in PLAIN:
        return True
    return any(symbol[:size] in PREFIXES and symbol[size:] in METRIC for size in (2, 1))


def shown(code: str) -> str:
    """What people read for a unit."""
    return units.shown(code)
