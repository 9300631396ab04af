"""What the linking benchmarks measured: each arm's last result, and every reading of test texts."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.linking.tasks import TASKS


class Record:
    """A file of results, in which the other arms stay as they are when one is measured."""

    def __init__(self, path: Path, head: Mapping[str, str], arms: Sequence[str]) -> None:
        """Open a file that may not be there yet.

        Args:
            path: Of the file.
            head: What it tells besides results: the question, and what was chosen how.
            arms: All there are, in the order in which they are told.
        """
        before = json.loads(path.read_text()) if path.exists() else {}
        self._path, self._head, self._order = path, head, list(arms)
        self._arms: list[dict[str, Any]] = before.get("arms", [])
        self._readings: list[dict[str, str]] = before.get("readings of test texts", [])

    def has(self, task: str, arm: str) -> bool:
        """Tell whether an arm was measured on a task."""
        return any((one["task"], one["arm"]) == (task, arm) for one in self._arms)

    def keep(self, task: str, arm: str, scores: Mapping[str, Any]) -> None:
        """Write the scores of an arm in place of its older ones, and that it read test texts."""
        others = [one for one in self._arms if (one["task"], one["arm"]) != (task, arm)]
        self._arms = sorted([*others, {"task": task, "arm": arm, **scores}], key=self._place)
        when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self._readings.append({"when": when, "task": task, "arm": arm})
        report = {
            **self._head,
            "split": "test",
            "arms": self._arms,
            "readings of test texts": self._readings,
        }
        self._path.write_text(json.dumps(report, indent=1) + "\n")
        print(json.dumps(self._readings[-1] | dict(scores)), flush=True)

    def _place(self, result: Mapping[str, Any]) -> tuple[int, int]:
        return list(TASKS).index(result["task"]), self._order.index(result["arm"])
