"""Configuration: typed and strict settings, a file a family of tasks, and the YAML files that they are read from."""
