"""Freed memory is kept within a block and given back behind it."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import psutil
import torch
from patina.runs.allocator import freed_memory_kept

def resident():
    return psutil.Process().memory_info().rss

before = resident()
with freed_memory_kept():
    torch.ones(50_000_000)
    inside = resident()
print(inside - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is asked")
def test_memory_is_kept_within_the_block_alone():
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    inside, after = map(int, finished.stdout.split())
    assert inside > 150_000_000
    assert after < 50_000_000
