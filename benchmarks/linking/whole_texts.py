"""How many of the gold mentions does the dictionary linker find, and how many link rightly?

    python -m benchmarks.linking.whole_texts DATA [--linkers FOLDER] [--backbone NAME]
        [--tasks bc5cdr ncbi_disease gsc_hpo] [--arms "exact names" ...] [--again]

DATA holds tasks/{bc5cdr,ncbi_disease,gsc_hpo}/{train,validation,test}.jsonl and, under graphs/,
MeSH, MEDIC and HPO. Arms: exact names; the general rules; these and the words of medicine; these
and the abbreviations that the text defines; all of it taught by the gold mentions of the training
split, which become names, or stop names where the linker finds what people did not mark. Then, of
what the taught dictionary finds, a model trained on the same split chooses by the context (it needs
--backbone). And, not taught, of what the dictionary finds an encoder chooses, as it is and trained
on the graph's synonyms: --linkers holds TASK-untrained, as linking_gold_spans.py writes it, and
TASK, as `kgbert train-linker` does.

What was measured before is kept; --again measures anew. All that is chosen is chosen on the
validation split; each reading of the test split is logged in the results.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import RESULTS
from benchmarks.linking.results_file import Record
from benchmarks.linking.scores import Arm, measure
from benchmarks.linking.tasks import TASKS, Task, read_task, taught_linker
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.normalization.rules import RULES

MEDICINE = ("adjectives", "organs", "tumours", "disorders")


class Way(NamedTuple):
    """How an arm is made, and the option that it needs."""

    make: Callable[[Task, argparse.Namespace], Arm]
    needs: str = ""


def main() -> None:
    """Measure every arm that is asked for and was not measured yet."""
    arguments = _arguments()
    record = Record(arguments.out, HEAD, list(ARMS))
    for name in arguments.tasks:
        wanted = [arm for arm in _wanted(arguments) if arguments.again or not record.has(name, arm)]
        task = read_task(arguments.data, name) if wanted else None
        for arm in wanted if task else ():
            made = ARMS[arm].make(task, arguments)
            record.keep(name, arm, measure(made.linker, task) | dict(made.told))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--linkers", type=Path)
    parser.add_argument("--backbone")
    parser.add_argument("--epochs", type=int, default=1, help="of the model that reads the context")
    parser.add_argument("--tasks", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS / "linking.json")
    return parser.parse_args()


def _wanted(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the arms that can be made, and say which cannot."""
    for arm in arguments.arms:
        needs = ARMS[arm].needs
        if not needs or getattr(arguments, needs):
            yield arm
        else:
            print(f"{arm}: left out, for it needs --{needs}", flush=True)


def _by_rules(*rules: str) -> Way:
    return Way(lambda task, _: Arm(DictionaryLinker(task.graph, rules=rules, max_candidates=20)))


def _taught(task: Task, _: argparse.Namespace) -> Arm:
    return Arm(taught_linker(task))


def _context(task: Task, arguments: argparse.Namespace) -> Arm:
    # Imported here, and below: they load torch, for which dictionaries need not wait.
    from benchmarks.linking.context_arm import chosen_by_context

    return chosen_by_context(task, arguments.backbone, epochs=arguments.epochs)


def _untrained(task: Task, arguments: argparse.Namespace) -> Arm:
    from benchmarks.linking.encoder_arm import chosen_by_encoder

    return chosen_by_encoder(task, arguments.linkers / f"{task.name}-untrained")


def _trained(task: Task, arguments: argparse.Namespace) -> Arm:
    from benchmarks.linking.encoder_arm import chosen_by_encoder

    return chosen_by_encoder(task, arguments.linkers / task.name)


GENERAL = tuple(rule for rule in RULES if rule not in (*MEDICINE, "abbreviations"))

ARMS = {
    "exact names": _by_rules("acronyms"),
    "general rules": _by_rules(*GENERAL),
    "and words of medicine": _by_rules(*GENERAL, *MEDICINE),
    "and abbreviations": _by_rules(*RULES),
    "and taught by training mentions": Way(_taught),
    "and context": Way(_context, "backbone"),
    "and encoder, untrained": Way(_untrained, "linkers"),
    "and encoder, trained": Way(_trained, "linkers"),
}

#: What the results tell besides scores: how the numbers of the taught arm came about, for one.
HEAD = {
    "question": (__doc__ or "").splitlines()[0],
    "chosen on validation": (
        "taught: least 2 findings, share 0.4 (misleading_names); tried: 1, 2 and 3 findings, "
        "shares 0.2 and 0.4. Then: taught names overrule the graph's, short forms by initials and "
        "in brackets after a mention. Encoders: the score below which a mention is left out, by "
        "the F1 of whole texts. Context: the threshold of NIL (one seed, one epoch)"
    ),
}

if __name__ == "__main__":
    main()
