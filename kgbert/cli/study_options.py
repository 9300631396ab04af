"""The study that a command's arguments ask for."""

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kgbert.cli.graph_options import graph_of, linker_of
from kgbert.cli.task_options import recipe_of, split_of

if TYPE_CHECKING:
    from kgbert.comparing.study import Study


def study_of(arguments: Namespace, arm_names: Sequence[str], seeds: Sequence[int]) -> "Study":
    """Read texts, graph and backbone, and say what takes long.

    What is quick to check comes first: a mistyped name is answered at once.
    """
    from kgbert.comparing.arms import ARMS
    from kgbert.lookup import lookup

    arms = [lookup(ARMS, name.strip(), "arm") for name in arm_names]
    split = split_of(arguments, seeds)
    print(f"reading {arguments.graph}", flush=True)
    graph = graph_of(arguments)
    # Torch and transformers take seconds to load, so that this is said first.
    print(f"{graph!r}; loading {arguments.backbone}", flush=True)
    from kgbert.cli.backbone import check_backbone

    check_backbone(arguments.backbone)
    from kgbert.cli.progress import ShowProgress
    from kgbert.comparing.findings import check_linked
    from kgbert.comparing.study import Study
    from kgbert.modeling.features import encode_entities

    linker = linker_of(arguments, graph)
    # Not left to the comparison alone: encoding the entities may take long.
    check_linked(graph, linker, [example.text for example in split(seeds[0]).train])
    recipe = recipe_of(arguments)
    print(f"encoding {len(graph):,} entities, unless that was done before", flush=True)
    return Study(
        name=arguments.output.absolute().name,
        folder=arguments.output,
        graph=graph,
        features=encode_entities(
            graph, arguments.backbone, progress=ShowProgress("encoding entities:")
        ),
        backbone=arguments.backbone,
        linker=linker,
        split=split,
        arms=arms,
        seeds=seeds,
        recipes={arm.name: recipe for arm in arms},
    )
