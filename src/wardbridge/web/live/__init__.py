"""The live stream: one tail a process, one stream a browser."""
