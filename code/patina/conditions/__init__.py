"""The map h: what of an image DeFlow is conditioned on, so that the condition does not tell the domains apart."""
