"""Unique device identification: what a label says, by the three issuing agencies (21 CFR 830, MDR article 27)."""
