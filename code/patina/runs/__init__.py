"""What commands leave on disk: output folders, run folders, logs and locks, and the jobs that fill them."""
