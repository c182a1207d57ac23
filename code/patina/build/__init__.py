"""The one place that turns configuration into objects; everything else takes plain arguments."""
