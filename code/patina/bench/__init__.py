"""The fast paths measured against the plain networks: ``python -m patina.bench``."""
