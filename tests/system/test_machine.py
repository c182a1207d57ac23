"""What is told of the machine."""

import os
from types import SimpleNamespace

from patina.system.machine import processor_seconds


def test_the_processor_time_of_children_counts(monkeypatch):
    before = os.times()
    alone = processor_seconds() - before.children_user - before.children_system
    monkeypatch.setattr(os, "times", lambda: SimpleNamespace(children_user=2000.0, children_system=500.0))
    assert 2500 <= processor_seconds() - alone < 2600
