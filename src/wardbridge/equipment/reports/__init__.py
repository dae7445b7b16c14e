"""Reports on paper: what surveyors, authorities and the board ask for, as PDF made here."""
