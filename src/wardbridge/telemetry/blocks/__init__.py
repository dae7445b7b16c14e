"""Long blocks: compaction, windows, retention."""
