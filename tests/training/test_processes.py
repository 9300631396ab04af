"""Fine-tuning with several processes or several visible GPUs."""

import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader

import kgbert.training.trainer as module
from kgbert.training.trainer import TaskTrainer, fine_tune
from tests.support.tiny import tiny_processor
from tests.training.test_trainer import LABELS, TRAIN, arguments


def epochs_that_draw(trainer, processes):
    """Return the epochs of the neighbour samples in each epoch of a process."""
    texts = trainer.train_dataset
    texts.epoch.zero_()
    loader = DataLoader(
        texts, 2, sampler=trainer._get_train_sampler(), collate_fn=lambda x: [y.epoch for y in x]
    )
    loader = prepare_data_loader(
        loader, num_processes=processes, process_index=0, put_on_device=False
    )
    found = []
    for epoch in range(3):
        loader.set_epoch(epoch)
        found.append({drawn for batch in loader for drawn in batch})
    return found


def test_each_epoch_draws_neighbours_of_its_own_in_every_process(fused, tmp_path, monkeypatch):
    made = []

    class RecordingTrainer(TaskTrainer):
        def __init__(self, *given, **options):
            super().__init__(*given, **options)
            made.append(self)

    monkeypatch.setattr(module, "TaskTrainer", RecordingTrainer)
    given = arguments(tmp_path, num_train_epochs=1)
    fine_tune(fused(labels=LABELS), tiny_processor(), TRAIN, TRAIN, arguments=given)

    (trainer,) = made
    assert epochs_that_draw(trainer, 1) == epochs_that_draw(trainer, 2) == [{1}, {2}, {3}]


def test_a_process_that_sees_two_gpus_takes_one(fused, tmp_path, monkeypatch):
    given = arguments(tmp_path, num_train_epochs=1)
    given._n_gpu = 2

    class SplitsTheGraph(torch.nn.Module):
        def __init__(self, *given, **options):
            raise AssertionError

    monkeypatch.setattr(torch.nn, "DataParallel", SplitsTheGraph)

    fine_tune(fused(labels=LABELS), tiny_processor(), TRAIN, TRAIN, arguments=given)

    assert given.n_gpu == 1
