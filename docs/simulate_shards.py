"""Simulate shards of a folder on many workers, with slow and failing ones; prints the table of docs/scale.md.

python docs/simulate_shards.py
"""

import heapq
from dataclasses import dataclass

import numpy as np

HOUR = 3600.0


@dataclass(frozen=True)
class Cluster:
    """Workers that take shards from a queue.

    Attributes:
        workers: number of workers.
        speed_std: standard deviation of the logarithm of their speeds.
        slow, slowdown: fraction of workers that are slow, and how many times as long they take.
        hours_to_failure: mean time until a worker fails; infinite for never.
        restart: seconds from a failure until the worker takes a shard again.
        start: seconds from taking a shard to its first image.
    """

    workers: int
    speed_std: float = 0.1
    slow: float = 0.02
    slowdown: float = 4.0
    hours_to_failure: float = 200.0
    restart: float = 600.0
    start: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a simulated run went.

    Attributes:
        seconds: until the last image.
        ideal: seconds if all workers could always be busy, without starts and failures.
        tail: fraction of the time after 95 % of the images were done.
        failures: number of failures.
        done: number of images done.
    """

    seconds: float
    ideal: float
    tail: float
    failures: int
    done: int


def simulate(images: int, shards: int, seconds: float, cluster: Cluster, seed: int = 0) -> Outcome:
    """Run all shards: a worker that fails puts its shard back, whose finished images are kept.

    Args:
        images: number of images.
        shards: number of parts.
        seconds: mean seconds of an image on a worker of speed 1.
        cluster: the workers.
        seed: of speeds and failures.
    """
    rng = np.random.default_rng(seed)
    speeds = np.exp(rng.normal(0, cluster.speed_std, cluster.workers))
    speeds[rng.random(cluster.workers) < cluster.slow] /= cluster.slowdown
    sizes = [len(part) for part in np.array_split(np.arange(images), shards) if len(part)]
    waiting = [(0.0, number, size) for number, size in enumerate(sizes)]  # from when each shard can be taken
    free = [(0.0, worker) for worker in range(cluster.workers)]  # from when each worker can take one
    finished, failures = list[tuple[float, int]](), 0
    while waiting:
        (since, worker), (available, number, size) = heapq.heappop(free), heapq.heappop(waiting)
        now, per_image = max(since, available), seconds / speeds[worker]
        ends = now + cluster.start + size * per_image
        fails = now + rng.exponential(cluster.hours_to_failure * HOUR)
        if fails >= ends:
            finished.append((ends, size))
            heapq.heappush(free, (ends, worker))
            continue
        failures += 1
        kept = int(max(0.0, fails - now - cluster.start) / per_image)
        finished.append((fails, kept))
        heapq.heappush(waiting, (fails, number, size - kept))
        heapq.heappush(free, (fails + cluster.restart, worker))
    times, counts = np.array(sorted(finished)).T
    done = np.cumsum(counts)
    end = float(times[-1])
    almost = float(times[np.searchsorted(done, 0.95 * images)])
    return Outcome(end, images * seconds / float(speeds.sum()), (end - almost) / end, failures, int(done[-1]))


def main() -> None:
    """Print the table."""
    images, seconds = 10_000_000, 2.8
    print("| shards for each worker | time over the ideal | of it after 95 % of the images |")
    print("| ---: | ---: | ---: |")
    for each in (1, 2, 4, 8, 16, 32, 64):
        runs = [simulate(images, 2000 * each, seconds, Cluster(2000), seed) for seed in range(5)]
        factor, tail = np.mean([(run.seconds / run.ideal, 100 * run.tail) for run in runs], axis=0)
        print(f"| {each} | {factor:.2f} | {tail:.0f} % |")


if __name__ == "__main__":
    main()
