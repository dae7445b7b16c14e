"""The ways by which notifications leave: one module a channel, all behind one protocol (``sender.py``)."""
