"""Tiny models of every task for tests of the export; tracing takes seconds a block."""

from kgbert.linking.factory import make_linker
from kgbert.models.task_models import KGBertModel
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.training.train import TrainedModel, TrainingInputs, build_model
from kgbert.training.trainer import TrainingResult
from tests.support.tiny import perturb, tiny_config, tiny_features, tiny_graph, tiny_tokenizer
from tests.tasks.test_contract import CONFIG, ROWS


def one_block(folder, family="bert"):
    """Save a plain checkpoint of one block with its tokenizer, and return its folder."""
    import torch

    config = tiny_config(family)
    config.num_hidden_layers = 1
    # Larger than usual, so that answers depend on the text by far more than exports may differ.
    config.initializer_range = 0.2
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:1]
    torch.manual_seed(0)
    KGBertModel.auto_class.from_config(config).save_pretrained(folder)
    tiny_tokenizer(family).save_pretrained(folder)
    return str(folder)


def tiny_model(task_name, backbone, rows=None, **options):
    """Return a perturbed model of a task in memory, and labelled examples."""
    task, graph = TASKS[task_name], tiny_graph()
    examples = [task.read(row) for row in rows or ROWS[task_name]]
    config = TrainingConfig(max_length=40, options={**CONFIG.options, **options})
    linker = make_linker(graph, "dictionary")
    inputs = TrainingInputs(task, graph, tiny_features(graph), linker, backbone)
    model, processor = build_model(inputs, examples, config, seed=0)
    result = TrainingResult({}, [], 1)
    return TrainedModel(perturb(model), processor, task, result, {}), examples
