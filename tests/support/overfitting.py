"""Train a tiny model until it knows a few examples by heart."""

from kgbert.tasks.base import Task
from kgbert.training.inference import predict
from kgbert.training.trainer import default_arguments, fine_tune
from tests.support.tiny import TINY, save_plain, tiny_graph, tiny_processor


def overfitted_answers(task: Task, examples, folder):
    """Return the answers of a model of a task to the examples on which it was trained."""
    space, processor = task.label_space(examples), tiny_processor(**task.processor_options)
    model = task.model_class.from_backbone(
        save_plain(folder, "bert", task.model_class),
        tiny_graph(),
        labels=space.labels,
        head=space.head,
        task=task.name,
        task_settings=dict(space.settings),
        **TINY,
    )
    arguments = default_arguments(
        folder / "run",
        num_train_epochs=40,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        use_cpu=True,
        bf16=False,
    )
    fine_tune(model, processor, examples, examples, arguments=arguments, patience=40, task=task)
    return [x.answer for x in predict(model, processor, task, task.encode(examples, processor))]
