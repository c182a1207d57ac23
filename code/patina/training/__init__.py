"""Training: schedules, one file per task, and the loop that knows nothing of them."""
