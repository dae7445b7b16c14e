"""HL7 v2 over MLLP: IHE PCD-01 observations and PCD-04 alarms."""
