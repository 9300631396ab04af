"""Benchmarks of kgbert, one folder a question; run as ``python -m benchmarks.speed.run``."""

from pathlib import Path

#: Folder of the measured results, from which all tables are rendered.
RESULTS = Path(__file__).parent / "results"
