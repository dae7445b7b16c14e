"""The common language: one searchable glossary and map that clinicians, biomed and IT write and approve together."""
