"""What a user asks for, a file each: arguments, then the work."""
