"""The function on this machine: in its container, or under the runtime emulator."""
