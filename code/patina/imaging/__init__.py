"""Pictures: files, value spaces, resizing, tiles, crops, channel statistics and contact sheets."""
