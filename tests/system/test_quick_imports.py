"""Packages that are hidden while another one is imported."""

import importlib
import sys

import pytest

from patina.system.quick_imports import hidden


def test_a_package_is_hidden_for_a_while(tmp_path, monkeypatch):
    (tmp_path / "a_package_to_hide.py").write_text("VALUE = 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with hidden("a_package_to_hide"), pytest.raises(ImportError):
        importlib.import_module("a_package_to_hide")
    assert importlib.import_module("a_package_to_hide").VALUE == 3
    with hidden("a_package_to_hide"):
        assert importlib.import_module("a_package_to_hide").VALUE == 3
    del sys.modules["a_package_to_hide"]
