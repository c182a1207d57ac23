"""The studio: a page on this machine to look at photos, fits, recipes and models; the pipelines do the work."""
