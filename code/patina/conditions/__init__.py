"""DeFlow's map h from an image to the condition of the flow (Wolf et al., CVPR 2021, arXiv 2101.05796).

The condition h(x) preserves the content of an image and hides its degradation, so that it does not reveal the domain.
The published h downscales and adds noise: h(x) = bicubic↓s(x) + σ n with n ~ N(0, I).
"""
