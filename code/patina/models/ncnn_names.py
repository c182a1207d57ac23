"""Names in ncnn's files, which programs look for: those of realesrgan-ncnn-vulkan and Upscayl."""

INPUT, OUTPUT = "data", "output"
