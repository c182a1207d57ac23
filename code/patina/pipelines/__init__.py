"""What a user asks for, callable from Python with plain arguments."""
