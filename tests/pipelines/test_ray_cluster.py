"""Folders on a Ray cluster: byte for byte what one process makes, also when a worker is killed."""

import os
import sys

import psutil
import pytest

from degraded_sets import VALUES, run
from patina.imaging.picture_files import picture_bytes
from patina.pipelines import ray_cluster
from sets import contents, write_config, write_pictures
from small_ludvae import write_model

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.distributed]


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    ray.init("local", num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.fixture
def folder(tmp_path):
    folder = write_pictures(tmp_path / "in", 36, height=24, width=32)
    (folder / "5.png").write_bytes(b"no image")
    return folder


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ray::ImageActor" in child.name()]


def results(folder) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if not name.startswith(".patina")}


def test_killed_workers_cost_nothing(cluster, folder, tmp_path, monkeypatch, capsys):
    recipe, gt, read, killed = write_config(tmp_path / "v.yml", VALUES), tmp_path / "gt", [], []

    def read_and_kill(path):
        read.append(path)
        if len(read) == 20:  # the batch that is being read goes to a worker that is gone by then
            killed.extend(workers())
            for worker in killed:
                worker.kill()
            psutil.wait_procs(killed)
        return picture_bytes(path)

    degrade = ["degrade", recipe, folder]
    assert run(*degrade, tmp_path / "here", "-gt", tmp_path / "gt_here", "-workers", "1") == 1
    told = capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(ray_cluster, "picture_bytes", read_and_kill)
        assert run(*degrade, tmp_path / "out", "-gt", gt, "-engine", "ray", "-actors", "2") == 1
    error = capsys.readouterr().err
    assert killed
    assert "a worker of the cluster died; another one continues with its images" in error
    assert [line for line in told.splitlines() if "5.png" in line] == [
        line for line in error.splitlines() if "5.png" in line
    ]
    assert results(tmp_path / "out") == results(tmp_path / "here")
    assert results(gt) == results(tmp_path / "gt_here")


def test_models_give_the_same_bytes(cluster, folder, tmp_path):
    for number in range(12, 36):
        (folder / f"{number}.png").unlink()
    model = write_model(tmp_path / "tiny.safetensors")
    translate = ["translate", "-model_path", model, "-source", folder, "-samples", "2"]
    upscale = ["upscale", "-model", "bicubic", "-scale", "2", "-source", folder, "-format", "webp"]
    for name, command in {"translate": translate, "upscale": upscale}.items():
        assert run(*command, "-out", tmp_path / f"{name}_here") == 1
        assert run(*command, "-out", tmp_path / name, "-engine", "ray", "-actors", "1") == 1
        assert results(tmp_path / name) == results(tmp_path / f"{name}_here")
    tars = [*upscale[:-2], "-shard_size", "7", "-out"]
    assert run(*tars, tmp_path / "a" / "%06d.tar") == 1
    assert run(*tars, tmp_path / "b" / "%06d.tar", "-engine", "ray") == 1
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_image_that_ends_every_worker_is_a_failure(cluster, folder, tmp_path, monkeypatch, capsys):
    from patina.imaging.sources import Source
    from patina.pipelines.ray_actor import ClusterItem
    from patina.pipelines.ray_cluster import Cluster, ClusterChoice

    cluster.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not find this file
    items = [ClusterItem(Source(folder / f"{number}.png", f"{number}.png"), number) for number in range(4)]
    with Cluster.connected(ClusterChoice(2), deadly_work, {}, device="cpu") as opened:
        report = opened.run(
            items, {"results": tmp_path / "out"}, description="x", on_result=lambda item, made: made, batch=2
        )
    assert report.results == [0, 2, 3]
    assert [name for name, _ in report.failures] == [str(folder / "1.png")]
    assert "3 workers died on it" in report.failures[0][1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0", "2", "3"]


def deadly_work():
    from patina.runs.folder_job import Outcome

    def work(items, out):
        for item in items:
            if item.task == 1:
                os._exit(1)
            (out / "results").mkdir(parents=True, exist_ok=True)
            (out / "results" / str(item.task)).write_bytes(b"made")
            yield Outcome(item.task, None)

    return work
