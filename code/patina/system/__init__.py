"""Operating-system services: atomic files, JSON lines, memory, devices and progress bars."""
