"""The model card of a saved model, generated from its metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgbert import __version__
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.cards import hub_licence
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.reporting.formatting import counted
from kgbert.tasks.base import Task
from kgbert.tasks.registry import find_task, task_of_class
from kgbert.utils.hub import is_published
from kgbert.utils.paths import without_folders

#: Stands for the place of the model, where that is not known.
_THIS_FOLDER = "this/folder"

_WITH_GRAPH = """\
The folder contains the graph, the feature vectors of its entities and the settings of the linker,
so that the model gives the same predictions on every machine."""

_WITHOUT_GRAPH = """\
The folder does not contain the graph and its names: get the graph from its owner, in the version
above, and read it with the same options. The feature vectors of its entities are included."""


def model_card(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    about: Mapping[str, Any],
    *,
    include_graph: bool = True,
) -> str:
    """Return the card as Markdown, at most forty lines.

    Args:
        model: The model.
        processor: Its processor, which has the graph.
        about: Further table rows, name and value.
        include_graph: Whether the graph is in the folder.
    """
    graph, config = processor.graph, model.config
    task = (
        find_task(config.task).with_settings(config.task_settings)
        if config.task
        else task_of_class(type(model).__name__)
    )
    blocks = ", ".join(map(str, config.injected_layers))
    injected = f"blocks {blocks}" if blocks else "no block"
    labels = task.describe_outputs(config) if task else "none: a bare encoder"
    properties = {
        "Backbone": without_folders(config.backbone.name_or_path) or config.backbone.model_type,
        "Graph": f"{graph.source or 'in memory'} {graph.version}".strip(),
        "Licence of the graph": graph.licence or "not stated in the file",
        "Size of the graph": ", ".join(
            (counted(len(graph), "entity"), counted(len(graph.heads), "edge"))
        ),
        "Graph hash": graph.hash[:16],
        "Graph encoder": f"{config.graph_encoder}, {counted(config.graph_layers, 'layer')}; "
        f"injected after {injected}",
        "Task": task.name if task else "none",
        "Labels": labels if len(labels) <= 300 else f"{labels[:300]} ...",
        **about,
    }
    argument, contents = (
        ("", _WITH_GRAPH)
        if include_graph
        else (', graph=kgbert.read_graph("FILE")', _WITHOUT_GRAPH)
    )
    rows = "\n".join(
        f"| {name} | {str(value).replace('|', '/')} |" for name, value in properties.items()
    )
    return f"""---
{_metadata(graph, config.backbone.name_or_path, task, include_graph=include_graph)}
---
# {type(model).__name__}

A language encoder with injected graph knowledge, made with kgbert {__version__}.

| | |
|---|---|
{rows}

```python
import kgbert

answer = kgbert.pipeline("{_THIS_FOLDER}"{argument})
answer([{_sample(task)}])
```

{contents} `transformers.pipeline()` cannot run it.
"""


def _metadata(
    graph: KnowledgeGraph, backbone: str, task: Task | None, *, include_graph: bool
) -> str:
    """Return the metadata of the card as the Hugging Face Hub reads it."""
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        library_name="kgbert",
        # That of the graph, which binds whoever uses the folder.
        license=hub_licence(graph.licence) if graph.licence and include_graph else None,
        base_model=backbone if is_published(backbone) else None,
        pipeline_tag=task.pipeline_tag if task and task.pipeline_tag else None,
        tags=["kgbert", "knowledge-graph", *([task.name] if task else [])],
    )
    return data.to_yaml()


def complete_card(path: Path, name: str, metadata: Mapping[str, Any]) -> None:
    """Add the name of a model on the hub, and metadata, to the card of its folder.

    Args:
        path: The card.
        name: Name of the repository.
        metadata: Fields to add or replace.
    """
    from huggingface_hub import ModelCard

    card = ModelCard(path.read_text(encoding="utf-8").replace(_THIS_FOLDER, name))
    for key, value in metadata.items():
        card.data[key] = value
    path.write_text(str(card), encoding="utf-8")


def _sample(task: Task | None) -> str:
    """Return an input of a task as Python code."""
    inputs = dict(task.sample) if task else {"text": "a text"}
    return repr(inputs if set(inputs) != {"text"} else inputs["text"]).replace("'", '"')
