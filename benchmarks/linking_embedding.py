"""How well are whole texts linked where an encoder chooses the entity of what the dictionary finds?

    python benchmarks/linking_embedding.py DATA --linkers FOLDER [--tasks ncbi_disease ...]

DATA is as for linking.py, FOLDER as for linking_gold_spans.py. The score below which a mention is
left out is chosen on the gold spans of the validation split. Results are added to linking.json.
"""

import argparse
import json
from pathlib import Path

import linking

from kgbert.linking.folding import fold_cluster
from kgbert.modeling.entity_linking import EmbeddingLinker


def main() -> None:
    """Measure the untrained encoder of each task on the test split, and the trained one if any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--linkers", type=Path, default=Path("linkers"))
    parser.add_argument("--tasks", nargs="*", default=list(linking.TASKS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/linking.json"))
    arguments = parser.parse_args()
    for task in arguments.tasks:
        path, read = linking.TASKS[task]
        graph = read(arguments.data / "graphs" / path)
        train, validation, test = (
            linking._load(arguments.data, task, part, graph)
            for part in ("train", "validation", "test")
        )
        seen = {fold_cluster(gold.surface) for _, golds in train for gold in golds}
        for kind, folder in (("untrained", f"{task}-untrained"), ("trained", task)):
            if not (arguments.linkers / folder).is_dir():
                continue
            linker = EmbeddingLinker.from_pretrained(graph, arguments.linkers / folder)
            examples = [linking._example(graph, *document) for document in validation]
            linker = linker.with_best_threshold(examples).with_settings(max_candidates=20)
            linker.rank([gold.surface for _, golds in test for gold in golds])
            found = linking.measure(linker, test, graph, seen)
            result = {"task": task, "arm": f"and encoder, {kind}"} | found
            print(json.dumps(result), flush=True)
            linking.add_arm(arguments.out, result)


if __name__ == "__main__":
    main()
