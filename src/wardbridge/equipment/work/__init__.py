"""Work on machines: orders, procedures, schedules, requests, figures."""
