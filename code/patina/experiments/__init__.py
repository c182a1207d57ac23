"""What compares methods: the demo, denoising, realism tables, the search for h."""
