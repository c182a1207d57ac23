"""What a run leaves on disk: folders, logs, checkpoints, every file whole or not there."""
