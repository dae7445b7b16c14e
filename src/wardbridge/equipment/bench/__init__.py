"""The technician's bench: work without a network, parts, labour, vendor calls, downtime, cost."""
