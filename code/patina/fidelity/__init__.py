"""How real degraded images look: noise profiles, baselines, verdicts, and the report page."""
