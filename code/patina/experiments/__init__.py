"""Experiments that compare methods: the demo, denoising, realism over seeds, and the search for the map h."""
