"""Whether a degradation makes pictures look like real ones: profiles, yardsticks, verdicts, and the page."""
