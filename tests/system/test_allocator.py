"""Freed memory is kept within a block and given back behind it; blocks of images are reused."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import psutil
import torch
from patina.system.allocator import freed_memory_kept

def resident():
    return psutil.Process().memory_info().rss

def freed():
    # Of a block that is freed, below one that is not; larger than the gap that is left of the first.
    before, block = resident(), torch.ones(75_000_000)
    above = torch.ones(1000)
    del block
    return resident() - before

before = resident()
with freed_memory_kept():
    torch.ones(50_000_000)
    inside = resident()
print(inside - before, resident() - before, freed())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is asked")
def test_memory_is_kept_within_the_block_alone():
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    inside, behind, later = map(int, finished.stdout.split())
    assert inside > 150_000_000
    assert behind < 50_000_000
    assert later < 50_000_000


IMAGES = """
import resource
import numpy as np
from patina.system.allocator import keep_blocks_of_images

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        [np.ones(200_000, np.float32) for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

returned = faults()
keep_blocks_of_images()
print(returned, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is asked")
def test_blocks_of_images_are_reused_from_the_start():
    finished = subprocess.run([sys.executable, "-c", IMAGES], capture_output=True, text=True, check=True)
    returned, kept = map(int, finished.stdout.split())
    assert kept < returned / 5
