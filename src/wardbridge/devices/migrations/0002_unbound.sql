-- Values that wait for a patient, found without walking through the history of bindings.
CREATE INDEX chart_point_unbound ON chart_point (device_id, time) WHERE patient_id IS NULL AND NOT withdrawn;
