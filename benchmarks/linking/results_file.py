"""Results of the linking benchmarks: the last result of each arm, and a log of test evaluations."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.linking.tasks import TASKS


class ResultsFile:
    """A results file in which one arm is replaced at a time."""

    def __init__(self, path: Path, header: Mapping[str, str], arms: Sequence[str]) -> None:
        """Open a results file, which may not exist yet.

        Args:
            path: The file.
            header: Recorded beside the scores: the question, and how settings were chosen.
            arms: All arms, in the order of the tables.
        """
        stored = json.loads(path.read_text()) if path.exists() else {}
        self._path, self._head, self._order = path, header, list(arms)
        self._arms: list[dict[str, Any]] = stored.get("arms", [])
        self._readings: list[dict[str, str]] = stored.get("readings of test texts", [])

    def has(self, task: str, arm: str) -> bool:
        """Return whether an arm has a result on a task."""
        return any((one["task"], one["arm"]) == (task, arm) for one in self._arms)

    def add(self, task: str, arm: str, scores: Mapping[str, Any]) -> None:
        """Replace the scores of an arm, and log the evaluation on the test split."""
        others = [one for one in self._arms if (one["task"], one["arm"]) != (task, arm)]
        self._arms = sorted([*others, {"task": task, "arm": arm, **scores}], key=self._position)
        timestamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self._readings.append({"when": timestamp, "task": task, "arm": arm})
        report = {
            **self._head,
            "split": "test",
            "arms": self._arms,
            "readings of test texts": self._readings,
        }
        self._path.write_text(json.dumps(report, indent=1) + "\n")
        print(json.dumps(self._readings[-1] | dict(scores)), flush=True)

    def _position(self, result: Mapping[str, Any]) -> tuple[int, int]:
        return list(TASKS).index(result["task"]), self._order.index(result["arm"])
