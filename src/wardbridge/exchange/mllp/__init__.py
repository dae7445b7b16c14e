"""MLLP: HL7 v2 messages over TCP (HL7 v2.9 appendix C, IHE ITI TF-2x section C.2.1)."""
