"""How many gold mentions does the dictionary linker find, and how many does it link correctly?

    python -m benchmarks.linking.whole_texts DATA [--linkers FOLDER] [--backbone NAME]
        [--tasks bc5cdr ncbi_disease gsc_hpo] [--arms "exact names" ...] [--again]
    python -m benchmarks.linking.whole_texts DATA --tasks gsc_hpo --arms "exact names" --out FILE

The last line is the smallest run. DATA contains tasks/{bc5cdr,ncbi_disease,gsc_hpo}/
{train,validation,test}.jsonl and, below graphs/, MeSH, MEDIC and HPO. The arms build on each other:
exact names; the general rules; the medical rules; abbreviations that the text defines; the gold
mentions of the training split as additional names, or as stop names if the linker finds what
annotators did not mark. Then a model trained on the same split chooses among the candidates by
context (needs --backbone). Independently of gold mentions, an encoder chooses among the
dictionary's candidates, untrained or trained on the graph's synonyms: --linkers contains
TASK-untrained, written by linking.gold_spans, and TASK, written by `kgbert train-linker`.

Existing measurements are kept unless --again is given. All choices are made on the validation
split; each evaluation on the test split is logged in the results.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import RESULTS
from benchmarks.linking.results_file import ResultsFile
from benchmarks.linking.scores import Arm, measure
from benchmarks.linking.tasks import TASKS, Task, linker_with_gold_names, read_task
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.normalization.rules import RULES

MEDICINE = ("adjectives", "organs", "tumours", "disorders")


class ArmFactory(NamedTuple):
    """How to build an arm, and the option that it needs."""

    make: Callable[[Task, argparse.Namespace], Arm]
    needs: str = ""


def main() -> None:
    """Measure the selected arms that have no result yet."""
    arguments = _arguments()
    record = ResultsFile(arguments.out, HEADER, list(ARMS))
    for name in arguments.tasks:
        selected = [
            arm for arm in _possible_arms(arguments) if arguments.again or not record.has(name, arm)
        ]
        if not selected:
            continue
        task = read_task(arguments.data, name)
        for arm in selected:
            made = ARMS[arm].make(task, arguments)
            record.add(name, arm, measure(made.linker, task) | dict(made.details))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--linkers", type=Path)
    parser.add_argument("--backbone")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the context model")
    parser.add_argument("--tasks", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS / "linking.json")
    return parser.parse_args()


def _possible_arms(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the arms whose option is given; print the others."""
    for arm in arguments.arms:
        needs = ARMS[arm].needs
        if not needs or getattr(arguments, needs):
            yield arm
        else:
            print(f"{arm}: skipped, needs --{needs}", flush=True)


def _rules_arm(*rules: str) -> ArmFactory:
    return ArmFactory(
        lambda task, _: Arm(DictionaryLinker(task.graph, rules=rules, max_candidates=20))
    )


def _with_gold_names(task: Task, _: argparse.Namespace) -> Arm:
    return Arm(linker_with_gold_names(task))


def _context(task: Task, arguments: argparse.Namespace) -> Arm:
    # Imported here, since the arms without an encoder need no torch.
    from benchmarks.linking.context_arm import context_arm

    return context_arm(task, arguments.backbone, epochs=arguments.epochs)


def _untrained(task: Task, arguments: argparse.Namespace) -> Arm:
    from benchmarks.linking.encoder_arm import encoder_arm

    return encoder_arm(task, arguments.linkers / f"{task.name}-untrained")


def _trained(task: Task, arguments: argparse.Namespace) -> Arm:
    from benchmarks.linking.encoder_arm import encoder_arm

    return encoder_arm(task, arguments.linkers / task.name)


GENERAL = tuple(rule for rule in RULES if rule not in (*MEDICINE, "abbreviations"))

ARMS = {
    "exact names": _rules_arm("acronyms"),
    "general rules": _rules_arm(*GENERAL),
    "and medical rules": _rules_arm(*GENERAL, *MEDICINE),
    "and abbreviations": _rules_arm(*RULES),
    "and training mentions as names": ArmFactory(_with_gold_names),
    "and context": ArmFactory(_context, "backbone"),
    "and encoder, untrained": ArmFactory(_untrained, "linkers"),
    "and encoder, trained": ArmFactory(_trained, "linkers"),
}

#: Recorded beside the scores: the question, and how settings were chosen.
HEADER = {
    "question": (__doc__ or "").splitlines()[0],
    "chosen on validation": (
        "training mentions as names: minimum 2 findings, share 0.4 (unreliable names); tried: 1, 2 "
        "and 3 findings, shares 0.2 and 0.4; names of mentions take precedence over the graph's; "
        "abbreviations by initials and in brackets after a mention. Encoders: the score threshold, "
        "by the F1 of whole texts. Context: the NIL threshold (one seed, one epoch)"
    ),
}

if __name__ == "__main__":
    main()
