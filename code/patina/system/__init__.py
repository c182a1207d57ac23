"""What the operating system gives: whole files, JSON lines, memory, devices, progress."""
