"""Pictures: files in and out, MATLAB-compatible resizing, crops, tiles, channel statistics, sheets."""
