"""The map h of DeFlow (Wolf et al. 2021, arXiv 2101.05796): from an image to the condition of its flow.

The condition keeps an image's content and hides its degradation, so that it does not reveal the domain.
"""
