"""The model card of a saved model, generated from its metadata."""

from collections.abc import Mapping
from typing import Any

from kgbert import __version__
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.reporting.formatting import counted
from kgbert.tasks.base import Task
from kgbert.tasks.registry import find_task, task_of_class
from kgbert.utils.paths import without_folders

_HELD = """\
The folder holds the graph, the feature vectors of its entities and the settings of the linker, so
that it answers elsewhere as it did where it was trained."""

_LEFT_OUT = """\
The folder does not hold the graph and its names: get the graph from its owner, in the version
above, and read it with the options it was read with. The vectors of its entities are here."""


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
    task = task_of_class(type(model).__name__) if not config.task else find_task(config.task)
    labels = task.describe_outputs(config) if task else "none: a bare encoder"
    properties = {
        "Backbone": without_folders(config.backbone.name_or_path) or config.backbone.model_type,
        "Graph": f"{graph.source or 'in memory'} {graph.version}".strip(),
        "Licence of the graph": graph.licence or "not stated in the file; ask its owner",
        "Size of the graph": ", ".join(
            (counted(len(graph), "entity"), counted(len(graph.heads), "edge"))
        ),
        "Graph hash": graph.hash[:16],
        "Graph encoder": f"{config.graph_encoder}, {config.graph_layers} layers",
        "Knowledge enters after blocks": ", ".join(map(str, config.injected_layers)) or "none",
        "Task": task.name if task else "none",
        "Labels": labels if len(labels) <= 300 else f"{labels[:300]} ...",
        **about,
    }
    given, held = ("", _HELD) if include_graph else (', graph=kgbert.read_graph("FILE")', _LEFT_OUT)
    rows = "\n".join(
        f"| {name} | {str(value).replace('|', '/')} |" for name, value in properties.items()
    )
    return f"""---
library_name: kgbert
tags: [kgbert, knowledge-graph]
---
# {type(model).__name__}

A language encoder that reads a knowledge graph, made with kgbert {__version__}.

| | |
|---|---|
{rows}

```python
import kgbert

answer = kgbert.pipeline("this/folder"{given})
answer([{_sample(task)}])
```

{held} `transformers.pipeline()` cannot run it.
"""


def _sample(task: Task | None) -> str:
    """Return an input of a task as Python code."""
    inputs = dict(task.sample) if task else {"text": "a text"}
    return repr(inputs if set(inputs) != {"text"} else inputs["text"]).replace("'", '"')
