"""How well are whole texts linked where an encoder chooses the entity of what the dictionary finds?

    python benchmarks/linking_embedding.py DATA --linkers FOLDER [--tasks ncbi_disease ...]

DATA is as for linking.py, FOLDER as for linking_gold_spans.py. The score below which a mention is
left out is chosen by the F1 of linking whole texts of the validation split. Results are added to
linking.json.
"""

import argparse
import json
from pathlib import Path

import linking
from linking_tasks import TASKS, examples_of, read_task

from kgbert.modeling.entity_linking import EmbeddingLinker
from kgbert.modeling.thresholds import with_best_threshold_of_texts


def main() -> None:
    """Measure the untrained encoder of each task on the test split, and the trained one if any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--linkers", type=Path, default=Path("linkers"))
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/linking.json"))
    arguments = parser.parse_args()
    for name in arguments.tasks:
        task = read_task(arguments.data, name)
        examples = examples_of(task.graph, task.validation)
        for kind, folder in (("untrained", f"{name}-untrained"), ("trained", name)):
            if not (arguments.linkers / folder).is_dir():
                continue
            linker = EmbeddingLinker.from_pretrained(task.graph, arguments.linkers / folder)
            linker = with_best_threshold_of_texts(linker, examples)
            linker = linker.with_settings(max_candidates=20)
            linker.rank([gold.surface for _, golds in task.test for gold in golds])
            found = linking.measure(linker, task) | {"threshold": linker.options.threshold}
            result = {"task": name, "arm": f"and encoder, {kind}"} | found
            print(json.dumps(result), flush=True)
            linking.add_arm(arguments.out, result)


if __name__ == "__main__":
    main()
