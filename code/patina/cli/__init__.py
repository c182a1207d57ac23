"""The command line: flags to requests, a command a file; nothing below knows of flags."""
