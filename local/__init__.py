"""What runs on a laptop only: the emulator's additions, the source simulators, the set-up."""
