"""What is on the network and not, or otherwise, in the register: suggested, never added by itself."""
