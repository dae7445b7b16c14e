"""Whether a text is a UCUM unit: the grammar and the atoms of the standard, case sensitive (https://ucum.org/ucum).

Only the form is judged here; what a unit is worth is reckoned elsewhere.
"""

from __future__ import annotations

import re
from functools import lru_cache

PREFIXES = frozenset("Y Z E P T G M k h da d c m u n p f a z y Ki Mi Gi Ti".split())  # noqa: SIM905
# Atoms that take a prefix, and those that do not (tables 1 to 10 of version 2.2).
METRIC = frozenset(
    """m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV pc [c] [h] [k]
    [eps_0] [mu_0] [e] [m_e] [m_p] [G] [g] [ly] gf Ky Gal dyn erg P Bi St Mx G Oe Gb sb Lmb ph Ci R RAD REM cal_[15]
    cal_[20] cal_m cal_IT cal_th cal tex m[H2O] m[Hg] eq osm g% kat U [iU] [IU] Np B B[SPL] B[V] B[mV] B[uV]
    B[10.nV] B[W] B[kW] st mho bit By Bd""".split()  # noqa: SIM905
)
PLAIN = frozenset(
    """10* 10^ [pi] % [ppth] [ppm] [ppb] [pptr] gon deg ' '' min h d a_t a_j a_g a wk mo_s mo_j mo_g mo AU atm [lbf_av]
    [in_i] [ft_i] [yd_i] [mi_i] [fth_i] [nmi_i] [kn_i] [sin_i] [sft_i] [syd_i] [cin_i] [cft_i] [cyd_i] [bf_i] [cr_i]
    [mil_i] [cml_i] [hd_i] [ft_us] [yd_us] [in_us] [rd_us] [ch_us] [lk_us] [rch_us] [rlk_us] [fth_us] [fur_us]
    [mi_us] [acr_us] [srd_us] [smi_us] [sct] [twp] [mil_us] [in_br] [ft_br] [rd_br] [ch_br] [lk_br] [fth_br] [pc_br]
    [yd_br] [mi_br] [nmi_br] [kn_br] [acr_br] [gal_us] [bbl_us] [qt_us] [pt_us] [gil_us] [foz_us] [fdr_us] [min_us]
    [crd_us] [bu_us] [gal_wi] [pk_us] [dqt_us] [dpt_us] [tbs_us] [tsp_us] [cup_us] [foz_m] [cup_m] [tsp_m] [tbs_m]
    [gal_br] [pk_br] [bu_br] [qt_br] [pt_br] [gil_br] [foz_br] [fdr_br] [min_br] [gr] [lb_av] [oz_av] [dr_av]
    [scwt_av] [lcwt_av] [ston_av] [lton_av] [stone_av] [pwt_tr] [oz_tr] [lb_tr] [sc_ap] [dr_ap] [oz_ap] [lb_ap]
    [oz_m] [lne] [pnt] [pca] [pnt_pr] [pca_pr] [pied] [pouce] [ligne] [didot] [cicero] [degF] [degR] [degRe] [Cal]
    [Btu_39] [Btu_59] [Btu_60] [Btu_m] [Btu_IT] [Btu_th] [Btu] [HP] [den] [in_i'H2O] [in_i'Hg] [PRU] [wood'U] [diop]
    [p'diop] %[slope] [mesh_i] [Ch] [drp] [hnsf'U] [MET] [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [hp_X] [hp_C] [hp_M] [hp_Q]
    [kp_X] [kp_C] [kp_M] [kp_Q] [pH] [S] [HPF] [LPF] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U]
    [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU]
    [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU] Ao b att [psi] circ sph [car_m] [car_Au]
    [smoot] [m/s2/Hz^(1/2)] [NTU] [FNU] bit_s""".split()  # noqa: SIM905
)
_TOKEN = re.compile(r"(?P<annotation>\{[!-z|~]*\})|(?P<mark>[./()])|(?P<unit>(?:\[[^\]\s]*\]|[^./(){}\[\]\s])+)")
_UNIT = re.compile(r"(?P<symbol>.*?[^0-9+-]|10[*^])(?P<exponent>[+-]?[0-9]+)?")
MOST = 256


@lru_cache(maxsize=4096)
def is_unit(text: str) -> bool:
    """Whether the text is a unit of UCUM, annotations included (`mm[Hg]`, `10*9/L`, `{beats}/min`)."""
    if not text or len(text) > MOST or not text.isascii():
        return False
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return False
        tokens.append((str(match.lastgroup), match[0]))
        at = match.end()
    try:
        end = _term(tokens, 0)
    except (ValueError, RecursionError):
        return False
    return end == len(tokens)


def _term(tokens: list[tuple[str, str]], at: int) -> int:
    """`[/] component {(. | /) component}` from a position; the position behind it. ValueError where there is none."""
    if at < len(tokens) and tokens[at][1] == "/":
        at += 1
    at = _component(tokens, at)
    while at < len(tokens) and tokens[at][1] in (".", "/"):
        at = _component(tokens, at + 1)
    return at


def _component(tokens: list[tuple[str, str]], at: int) -> int:
    if at >= len(tokens):
        raise ValueError
    kind, text = tokens[at]
    if kind == "annotation":
        return at + 1
    if text == "(":
        at = _term(tokens, at + 1)
        if at >= len(tokens) or tokens[at][1] != ")":
            raise ValueError
        at += 1
    elif kind == "unit" and (text.isdigit() or _simple(text)):
        at += 1
    else:
        raise ValueError
    if at < len(tokens) and tokens[at][0] == "annotation":
        at += 1
    return at


def _simple(text: str) -> bool:
    """An atom, with a prefix where it takes one, and an exponent."""
    if is_atom(text):
        return True
    match = _UNIT.fullmatch(text)
    return match is not None and match["exponent"] is not None and is_atom(match["symbol"])


def is_atom(symbol: str) -> bool:
    """Whether a symbol is a unit atom, with or without a prefix."""
    if symbol in METRIC or symbol in PLAIN:
        return True
    return any(symbol[:n] in PREFIXES and symbol[n:] in METRIC for n in (1, 2))
