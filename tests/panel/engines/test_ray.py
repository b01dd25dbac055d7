"""Ray: the same jobs, the same files; without it, a plain line."""

from __future__ import annotations

import sys
from importlib import util

import pytest

from geiger.errors import MissingLibrary
from geiger.panel.engines import Failed, Job, LocalEngine, RayEngine, engine_named, hash_of


def test_without_ray_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'geiger-lab\[ray\]'"):
        list(RayEngine(1).run([Job("a", "walk")], lambda digest: b""))


def test_engines_are_named() -> None:
    assert engine_named("ray", 3) == RayEngine(3)
    assert engine_named("local", 3) == LocalEngine(3)
    assert engine_named("local").workers >= 1


@pytest.mark.slow
@pytest.mark.skipif(
    util.find_spec("ray") is None, reason="Ray is not installed: pip install 'geiger-lab[ray]'"
)
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_answers_as_a_process_does() -> None:
    """Here of jobs that cannot be done; bench/ray_nodes.py compares trained folds over two nodes."""
    jobs = [Job("a", "walk"), Job("b", "nothing"), Job("c", "walk", {}, {"prices": hash_of(b"x")})]
    local, cluster = (
        sorted(engine.run(jobs, lambda digest: b"x"), key=lambda one: one.job.name)
        for engine in (LocalEngine(1), RayEngine(1))
    )
    assert local == cluster
    assert all(isinstance(one, Failed) and one.kind == "work" for one in local)
