"""Arms that start from a model that was fine-tuned before, usually in another domain."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kgbert.comparison.arms.arm import Arm
from kgbert.comparison.arms.pretrained import UseEncoder, arms_on
from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.frozen_encoder import weights_hash
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.relation_mapping import MappedRelation
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.pretrained_knowledge import FITTING_OPTIONS, save_knowledge_for
from kgbert.tasks.base import Task
from kgbert.training.graph_transfer import carry_over
from kgbert.training.inference import evaluate
from kgbert.training.saving import load_model
from kgbert.utils.atomic_write import replacing
from kgbert.utils.progress import Reporter


def transfer_arms(
    models: Sequence[str | Path],
    output: Path,
    graph: KnowledgeGraph,
    reporter: Reporter,
    also_test: Mapping[str, Sequence[Example]] = MappingProxyType({}),
    task_name: str = "",
) -> list[Arm]:
    """Return a plain and a knowledge arm that start from each model, named after its folder.

    Both take the encoder of the model, and the knowledge arm its graph encoder and injections as
    well, with the relations of its graph mapped to those of the new one. The head is new.

    Args:
        models: Folders of saved models, or their names on the Hugging Face Hub.
        output: The folder of the study, which receives the starting points.
        graph: The graph of the study.
        reporter: Shows which relations are known.
        also_test: Texts on which the models are scored before they are trained further, by name.
        task_name: The task of these texts; a model for another task is not scored.
    """
    arms = []
    for folder in models:
        name = Path(folder).absolute().name
        reporter.message(f"starting from {folder}")
        model, processor, task = load_model(folder)
        features, relations = carry_over(model, processor, graph)
        known = [each for each in relations if each.model_relation]
        names = ", ".join(each.relation for each in known) or "none"
        reporter.message(
            f"relations with weights of the model: {names}; with the mean of "
            f"{'these' if known else 'all of its relations'}: {len(relations) - len(known)}"
        )
        weights = weights_hash(model)
        start = output / "transfer" / f"{name}-{weights[:8]}-{graph.hash[:8]}"
        _write_start(start, model, processor, graph, relations)
        found = arms_on(
            f"started from the model {name}, fine-tuned for {task.name} with "
            f"{processor.graph.source or 'its graph'}"
            + "".join(
                f"; {task.metric} {_score(model, processor, task, texts):.3f} on {name} before"
                for name, texts in also_test.items()
                if task.name == task_name and _knows(model, task, texts)
            ),
            UseEncoder(str(start), name, features, weights),
            {name: getattr(model.config, name) for name in ("injected_layers", *FITTING_OPTIONS)},
        )
        if not model.injections:
            reporter.message(
                f"{name} reads no entities: only the arm {found[0].name} starts from it"
            )
        arms += found if model.injections else found[:1]
    return arms


def _knows(model: KGBertPreTrainedModel, task: Task, texts: Sequence[Example]) -> bool:
    """Return whether a model can predict all classes of some texts."""
    names = {task.class_name(label) for label in model.config.labels}
    return frozenset[str]().union(*map(task.classes, texts)) <= names


def _score(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, texts: Sequence[Example]
) -> float:
    return evaluate(model, processor, task, task.encode(texts, processor))[task.metric]


def _write_start(
    folder: Path,
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    graph: KnowledgeGraph,
    relations: Sequence[MappedRelation],
) -> None:
    """Write encoder and tokenizer of a model, and its injection weights for another graph."""
    if folder.exists():  # Another process, or an earlier call, has written it.
        return
    mapped = {each.relation: each.model_relation for each in relations}
    try:
        with replacing(folder, "starting point") as fresh:
            model.backbone.base_model.save_pretrained(fresh)
            processor.tokenizer.save_pretrained(fresh)
            save_knowledge_for(fresh, model, graph, [mapped.get(x) for x in graph.relation_ids])
            model.texts_read.save(fresh)
    except OSError:
        # Processes of the same command write the same content.
        if not folder.exists():
            raise
