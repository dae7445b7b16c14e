"""Bulk Data: `$export` (HL7 Bulk Data Access 2.0) and `$import` of NDJSON, as durable jobs in constant memory."""
