"""Content hashes."""

from __future__ import annotations

from geiger.panel.engines.base import hash_of


def test_the_hash_is_sha256() -> None:
    """The value of the standard (FIPS 180-2, appendix B.1)."""
    assert hash_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
