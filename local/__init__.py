"""The whole fleet on one machine: an emulator, and real processes for what it only records."""
