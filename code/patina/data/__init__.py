"""Pictures on their way into training: sets, orders, batches."""
