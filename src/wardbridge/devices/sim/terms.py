"""The IEEE 11073-10101 terms and UCUM units that the simulated devices speak (reference ids and codes)."""

from __future__ import annotations

from typing import Final


class Term(str):
    """A coded term as HL7 CWE text ``code^REFID^MDC``; ``code`` and ``refid`` are its parts."""

    __slots__ = ("code", "refid")
    code: int
    refid: str

    def __new__(cls, code: int, refid: str) -> Term:
        term = super().__new__(cls, f"{code}^{refid}^MDC")
        term.code, term.refid = code, refid
        return term


class Unit(str):
    """A unit as HL7 CWE text in MDC with its UCUM alternate."""

    __slots__ = ("ucum",)
    ucum: str

    def __new__(cls, code: int, refid: str, ucum: str) -> Unit:
        unit = super().__new__(cls, f"{code}^{refid}^MDC^{ucum}^{ucum}^UCUM")
        unit.ucum = ucum
        return unit


BPM: Final = Unit(264864, "MDC_DIM_BEAT_PER_MIN", "/min")
BREATHS: Final = Unit(264928, "MDC_DIM_RESP_PER_MIN", "/min")
PER_MIN: Final = Unit(264672, "MDC_DIM_PER_MIN", "/min")
PERCENT: Final = Unit(262688, "MDC_DIM_PERCENT", "%")
DIMLESS: Final = Unit(262656, "MDC_DIM_DIMLESS", "1")
MMHG: Final = Unit(266016, "MDC_DIM_MMHG", "mm[Hg]")
CEL: Final = Unit(268192, "MDC_DIM_DEGC", "Cel")
MV: Final = Unit(266418, "MDC_DIM_MILLI_VOLT", "mV")
OHM: Final = Unit(266432, "MDC_DIM_OHM", "Ohm")
HZ: Final = Unit(264640, "MDC_DIM_HZ", "Hz")
ML: Final = Unit(263762, "MDC_DIM_MILLI_L", "mL")
ML_H: Final = Unit(265266, "MDC_DIM_MILLI_L_PER_HR", "mL/h")
MIN: Final = Unit(264352, "MDC_DIM_MIN", "min")
MG_ML: Final = Unit(264306, "MDC_DIM_MILLI_G_PER_ML", "mg/mL")
UG_KG_MIN: Final = Unit(265619, "MDC_DIM_MICRO_G_PER_KG_PER_MIN", "ug/kg/min")

# device types: system, virtual devices, channels
MONITOR: Final = Term(69965, "MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS")
ECG_VMD: Final = Term(69798, "MDC_DEV_ECG_VMD")
ECG_CHAN: Final = Term(69799, "MDC_DEV_ECG_CHAN")
RESP_VMD: Final = Term(70666, "MDC_DEV_ECG_RESP_VMD")
RESP_CHAN: Final = Term(70667, "MDC_DEV_ECG_RESP_CHAN")
SPO2_VMD: Final = Term(69642, "MDC_DEV_ANALY_SAT_O2_VMD")
SPO2_CHAN: Final = Term(69643, "MDC_DEV_ANALY_SAT_O2_CHAN")
ABP_VMD: Final = Term(69710, "MDC_DEV_ANALY_PRESS_BLD_VMD")
ABP_CHAN: Final = Term(69711, "MDC_DEV_ANALY_PRESS_BLD_CHAN")
NIBP_VMD: Final = Term(70686, "MDC_DEV_PRESS_BLD_NONINV_VMD")
NIBP_CHAN: Final = Term(70687, "MDC_DEV_PRESS_BLD_NONINV_CHAN")
TEMP_VMD: Final = Term(69902, "MDC_DEV_METER_TEMP_VMD")
TEMP_CHAN: Final = Term(69903, "MDC_DEV_METER_TEMP_CHAN")
CO2_VMD: Final = Term(69650, "MDC_DEV_ANALY_CONC_GAS_MULTI_PARAM_VMD")
CO2_CHAN: Final = Term(69635, "MDC_DEV_CHAN")
LVP_MDS: Final = Term(70049, "MDC_DEV_PUMP_INFUS_LVP_MDS")
LVP_VMD: Final = Term(70050, "MDC_DEV_PUMP_INFUS_LVP_VMD")
SYRINGE_MDS: Final = Term(70053, "MDC_DEV_PUMP_INFUS_SYRINGE_MDS")
SYRINGE_VMD: Final = Term(70054, "MDC_DEV_PUMP_INFUS_SYRINGE_VMD")
DELIVERY: Final = Term(70067, "MDC_DEV_PUMP_DELIVERY_INFO")
PRIMARY: Final = Term(70071, "MDC_DEV_PUMP_INFUSATE_SOURCE_PRIMARY_CHAN")

# metrics of a monitor
HR: Final = Term(147842, "MDC_ECG_CARD_BEAT_RATE")
VPC: Final = Term(148065, "MDC_ECG_V_P_C_CNT")
ST_II: Final = Term(131842, "MDC_ECG_AMPL_ST_II")
RHYTHM: Final = Term(184327, "MDC_ECG_STAT_RHY")
RR: Final = Term(151562, "MDC_RESP_RATE")
SPO2: Final = Term(150456, "MDC_PULS_OXIM_SAT_O2")
PULSE: Final = Term(149530, "MDC_PULS_OXIM_PULS_RATE")
PERFUSION: Final = Term(150448, "MDC_PULS_OXIM_PERF_REL")
ABP_SYS: Final = Term(150037, "MDC_PRESS_BLD_ART_ABP_SYS")
ABP_DIA: Final = Term(150038, "MDC_PRESS_BLD_ART_ABP_DIA")
ABP_MEAN: Final = Term(150039, "MDC_PRESS_BLD_ART_ABP_MEAN")
NIBP_SYS: Final = Term(150021, "MDC_PRESS_BLD_NONINV_SYS")
NIBP_DIA: Final = Term(150022, "MDC_PRESS_BLD_NONINV_DIA")
NIBP_MEAN: Final = Term(150023, "MDC_PRESS_BLD_NONINV_MEAN")
NIBP_PULSE: Final = Term(149546, "MDC_PULS_RATE_NON_INV")
TEMP: Final = Term(150344, "MDC_TEMP")
ETCO2: Final = Term(151708, "MDC_CONC_AWAY_CO2_ET")
CO2_RR: Final = Term(151594, "MDC_CO2_RESP_RATE")

# waves and their facets; the sampling rate has no code in the term list
WAVES: Final = Term(69121, "MDC_OBS_WAVE_CTS")
ECG_WAVE: Final = Term(131330, "MDC_ECG_ELEC_POTL_II")
PLETH_WAVE: Final = Term(150452, "MDC_PULS_OXIM_PLETH")
ABP_WAVE: Final = Term(150036, "MDC_PRESS_BLD_ART_ABP")
RESP_WAVE: Final = Term(151780, "MDC_IMPED_TTHOR")
CO2_WAVE: Final = Term(151700, "MDC_CONC_AWAY_CO2")
SAMPLE_RATE: Final = Term(0, "MDC_ATTR_SAMP_RATE")
RESOLUTION: Final = Term(67917, "MDC_ATTR_NU_MSMT_RES")

# what a device says of itself
MANUFACTURER: Final = Term(531970, "MDC_ID_MODEL_MANUFACTURER")
MODEL: Final = Term(531969, "MDC_ID_MODEL_NUMBER")
SERIAL: Final = Term(531972, "MDC_ID_PROD_SPEC_SERIAL")
SOFTWARE: Final = Term(531975, "MDC_ID_PROD_SPEC_SW")
HARDWARE: Final = Term(531974, "MDC_ID_PROD_SPEC_HW")
BATTERY: Final = Term(67996, "MDC_ATTR_VAL_BATT_CHARGE")
POWER: Final = Term(67925, "MDC_ATTR_POWER_STAT")

# pump metrics
PUMP_STATUS: Final = Term(184519, "MDC_PUMP_INFUSING_STATUS")
PUMP_MODE: Final = Term(184504, "MDC_PUMP_MODE")
RATE_NOW: Final = Term(158014, "MDC_FLOW_FLUID_PUMP_CURRENT")
RATE: Final = Term(157784, "MDC_FLOW_FLUID_PUMP")
VTBI: Final = Term(157884, "MDC_VOL_FLUID_TBI")
VTBI_LEFT: Final = Term(157872, "MDC_VOL_FLUID_TBI_REMAIN")
DELIVERED: Final = Term(157864, "MDC_VOL_FLUID_DELIV")
TIME_LEFT: Final = Term(157916, "MDC_TIME_PD_REMAIN")
DOSE: Final = Term(157924, "MDC_RATE_DOSE")
CONCENTRATION: Final = Term(157760, "MDC_CONC_DRUG")
DRUG: Final = Term(184514, "MDC_DRUG_NAME_LABEL")
CARE_AREA: Final = Term(184516, "MDC_PUMP_DRUG_LIBRARY_CARE_AREA")
LIBRARY: Final = Term(184517, "MDC_PUMP_DRUG_LIBRARY_VERSION")
EVENT: Final = Term(68487, "MDC_ATTR_EVT_COND")
EVENT_SOURCE: Final = Term(68488, "MDC_ATTR_EVT_SOURCE")
DELIVERY_START: Final = Term(197288, "MDC_EVT_PUMP_DELIV_START")
DELIVERY_STOP: Final = Term(197290, "MDC_EVT_PUMP_DELIV_STOP")
DELIVERY_DONE: Final = Term(197292, "MDC_EVT_PUMP_DELIV_COMP")

# alerts
ALARM: Final = Term(196616, "MDC_EVT_ALARM")
ALERT_SOURCE: Final = Term(68480, "MDC_ATTR_ALERT_SOURCE")
PHASE: Final = Term(68481, "MDC_ATTR_EVENT_PHASE")
STATE: Final = Term(68482, "MDC_ATTR_ALARM_STATE")
INACTIVATION: Final = Term(68483, "MDC_ATTR_ALARM_INACTIVATION_STATE")
PRIORITY: Final = Term(68484, "MDC_ATTR_ALARM_PRIORITY")
KIND: Final = Term(68485, "MDC_ATTR_ALERT_TYPE")
HIGH: Final = Term(196648, "MDC_EVT_HI")
LOW: Final = Term(196670, "MDC_EVT_LO")
LEADS_OFF: Final = Term(196882, "MDC_EVT_LEADS_OFF")
OCCLUSION: Final = Term(196940, "MDC_EVT_FLUID_LINE_OCCL")
NEAR_EMPTY: Final = Term(197334, "MDC_EVT_VOL_INFUS_NEAR_COMP")
BATTERY_LOW: Final = Term(196802, "MDC_EVT_BATT_LO")

# dialysis (Dialysis Machine HL7 guide rev 4): system, virtual device, channels, metrics
HD_MDS: Final = Term(70929, "MDC_DEV_HDIALY_MACHINE_MDS")
HD_VMD: Final = Term(70934, "MDC_DEV_HDIALY_VMD")
HD_MACHINE: Final = Term(70939, "MDC_DEV_HDIALY_MACH_CONFIG_CHAN")
HD_ANTICOAG: Final = Term(70943, "MDC_DEV_HDIALY_ANTICOAG_PUMP_CHAN")
HD_BLOOD: Final = Term(70947, "MDC_DEV_HDIALY_BLOOD_PUMP_CHAN")
HD_FLUID: Final = Term(70951, "MDC_DEV_HDIALY_FLUID_CHAN")
HD_FILTER: Final = Term(70955, "MDC_DEV_HDIALY_FILTER_CHAN")
HD_SAFETY: Final = Term(70963, "MDC_DEV_HDIALY_SAFETY_SYSTEMS_CHAN")
HD_OUTCOME: Final = Term(70967, "MDC_DEV_HDIALY_THERAPY_OUTCOMES_CHAN")
HD_UF: Final = Term(70971, "MDC_DEV_HDIALY_UF_CHAN")
VENOUS: Final = Term(158776, "MDC_HDIALY_BLD_PUMP_PRESS_VEN")
