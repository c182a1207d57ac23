"""Settings of every test."""

import os

# Threads that spin while they wait starve each other on a busy machine; set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch

torch.set_num_threads(1)
