"""Train a model in one call: read, link, encode, fine-tune and test."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import transformers
from transformers import TrainerCallback

from kgbert.data import Example, Source
from kgbert.data.splits import Split, check_split
from kgbert.encoding.expansion import TextExpander
from kgbert.encoding.paths.finder import PathFinder
from kgbert.encoding.paths.kinds import path_features
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import longest_text
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import (
    Features,
    gather_features,
    without_places,
)
from kgbert.features.label_sets import encode_label_sets
from kgbert.features.pretrained import load_tokenizer
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.label_hierarchy import LabelHierarchy
from kgbert.linking.analysis.diagnosis import check_linked, mentions_graph
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker, share_features
from kgbert.linking.grounding import Grounding
from kgbert.linking.mention import Linker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import Row
from kgbert.tasks.base import Prediction, Task
from kgbert.tasks.pairs import are_pairs
from kgbert.tasks.registry import AUTO
from kgbert.training.config import TrainingConfig
from kgbert.training.evaluation import Evaluation
from kgbert.training.evidence.fit import fit_evidence
from kgbert.training.evidence.grounding import (
    Ground,
    declared_labels,
    ground_task,
    path_ends,
    read_ground,
    steps_of_paths,
)
from kgbert.training.graph_transfer import GraphTransfer, regrounded, transfer_model
from kgbert.training.inference import evaluate
from kgbert.training.model_card import complete_card
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.saving import save_model
from kgbert.training.splits import LabelledTexts, task_and_splits
from kgbert.training.trainer import StepProgress, TrainingResult, default_arguments, fine_tune
from kgbert.utils.hub import upload
from kgbert.utils.logging import silenced_transformers
from kgbert.utils.paths import CARD_FILE, GRAPH_FILE, without_place
from kgbert.utils.progress import LOG_REPORTER, Reporter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingInputs:
    """The inputs from which a model and its processor are built."""

    task: Task
    graph: KnowledgeGraph
    features: EntityFeatures
    linker: Linker
    backbone: str
    """Hub name or folder of the plain checkpoint."""
    expander: TextExpander | None = None
    """Appends tokens to the texts; None for no expansion."""
    grounding: Grounding | None = None
    """The entities of the labels, with which the head compares the texts; None for no
    comparison."""
    path_steps: int = 0
    """Largest number of steps of the paths that are scored; 0 for no paths."""


@dataclass(frozen=True)
class TrainedModel:
    """A fine-tuned model, ready to predict, to be evaluated and to be saved."""

    model: KGBertPreTrainedModel
    processor: KGBertProcessor
    task: Task
    training: TrainingResult
    """Scores on the validation texts, epoch by epoch."""
    test_metrics: Mapping[str, float]
    """Scores on the test texts, which were used once."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Further rows of the model card."""
    transfer: GraphTransfer | None = None
    """What was lost when the graph was replaced; None for the graph of the training."""

    @property
    def graph(self) -> KnowledgeGraph:
        """The graph that the model reads."""
        return self.processor.graph

    @property
    def scores(self) -> dict[str, str]:
        """The scores on validation and test texts as a person reads them."""
        return {
            f"{part} {name}": f"{value:.3f}"
            for part, metrics in (
                ("Validation", self.training.metrics),
                ("Test", self.test_metrics),
            )
            for name, value in metrics.items()
        }

    def predict(
        self, texts: Sequence[str | Row | Example], *, batch_size: int = 32
    ) -> list[Prediction]:
        """Return one prediction for each text, row or example."""
        pipeline = KGBertPipeline(self.model, self.processor, self.task)
        return pipeline(texts, batch_size=batch_size)

    def evaluate(self, texts: Source, *, columns: Mapping[str, str] | None = None) -> Evaluation:
        """Return the scores of the model on labelled texts, as a whole and by slices."""
        pipeline = KGBertPipeline(self.model, self.processor, self.task)
        return pipeline.evaluate(texts, columns=columns)

    def with_graph(
        self,
        graph: KnowledgeGraph,
        *,
        linker: Linker | None = None,
        features: Features = None,
        relation_mapping: Mapping[str, str] | None = None,
    ) -> "TrainedModel":
        """Return a model that answers by another graph, or by an edited one, without training.

        Its scores are not known until it is evaluated.

        Args:
            graph: The graph.
            linker: As for :meth:`kgbert.training.pipeline.KGBertPipeline.with_graph`.
            features: As there.
            relation_mapping: As there.
        """
        model, processor, transfer = transfer_model(
            self.model,
            self.processor,
            self.task,
            graph,
            linker=linker,
            features=features,
            relation_mapping=relation_mapping,
        )
        return replace(
            self,
            model=model,
            processor=processor,
            task=regrounded(self.task, processor),
            training=replace(self.training, metrics={}),
            test_metrics={},
            metadata={**self.metadata, **transfer.card_rows()},
            transfer=transfer,
        )

    def save(self, folder: str | Path, *, include_graph: bool | None = None) -> Path:
        """Write model, processor and card to a folder, and return it.

        Args:
            folder: The target folder; a model in it is replaced.
            include_graph: As for :func:`kgbert.save_model`.
        """
        metadata = {**self.metadata, **self.scores}
        save_model(folder, self.model, self.processor, metadata, include_graph=include_graph)
        return Path(folder)

    def push_to_hub(
        self,
        name: str,
        *,
        private: bool = False,
        include_graph: bool | None = None,
        card: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """Upload the files of :meth:`save` to the Hugging Face Hub, and return the address.

        The files name backbone and features without the folders of this machine.

        Args:
            name: Name of the repository, ``user/model``.
            private: Whether only the owner sees the repository.
            include_graph: As for :func:`kgbert.save_model`.
            card: Fields of the card's metadata to add or replace, such as ``license``,
                ``datasets`` and ``language``.

        Raises:
            KGBertError: The repository is to be private, but exists and is public.
        """
        with tempfile.TemporaryDirectory(prefix="kgbert-push-") as folder:
            public = _without_places(self)
            saved = public.save(Path(folder) / "model", include_graph=include_graph)
            if (saved / GRAPH_FILE).exists() and not self.graph.licence:
                logger.warning(
                    "the licence of %s is not stated in the file; check that you may publish the "
                    "graph, or leave it out with include_graph=False",
                    self.graph.source or "the graph",
                )
            complete_card(saved / CARD_FILE, name, card)
            return upload(saved, name, private=private)


def _without_places(trained: TrainedModel) -> TrainedModel:
    """Return a model with the same modules, whose files name no folder of this machine."""
    model, processor = copy(trained.model), copy(trained.processor)
    model.config = deepcopy(model.config)
    backbone = model.config.backbone
    backbone.name_or_path = without_place(backbone.name_or_path)
    processor.features = without_places(processor.features)
    if (sets := processor.label_sets) is not None:
        processor.label_sets = replace(sets, encoder=without_place(sets.encoder))
    return replace(trained, model=model, processor=processor)


def train(
    graph: KnowledgeGraph,
    texts: LabelledTexts,
    *,
    backbone: str,
    validation: Source | None = None,
    test: Source | None = None,
    task: str | Task = AUTO,
    columns: Mapping[str, str] | None = None,
    linker: str | Linker = "dictionary",
    ground: Ground = AUTO,
    paths: int | None = None,
    features: Features = None,
    config: TrainingConfig | None = None,
    seed: int = 0,
    callbacks: Sequence[TrainerCallback] = (),
    reporter: Reporter = LOG_REPORTER,
) -> TrainedModel:
    """Fine-tune a pretrained encoder that reads a knowledge graph, and test it once.

    Args:
        graph: The graph.
        texts: Labelled texts: a file, rows in memory, examples, or a mapping of the parts of a
            split. Without parts, 60 % are for training, 20 % for validation and 20 % for the test.
            Or a split, or a function from a seed to its split, together with the task.
        backbone: The encoder to start from: a name on the Hugging Face hub, or a folder.
        validation: Labelled texts for early stopping and the choice of the weights.
        test: Labelled texts for the test.
        task: A task or its name; ``"auto"`` detects the task from the columns of the rows.
        columns: Names of the columns by role: ``{"text": "sentence"}``.
        linker: A linker, or its name as for :func:`kgbert.make_linker`.
        ground: Whether the labels are entities of the graph, so that the head also compares the
            text with their names, definitions and descendants. ``"auto"`` does so for text and
            multi-label classification if at least half of the labels are ids or names of entities;
            ``"labels"`` in any case, for token classification, too. A mapping, or a file with the
            columns label and entity, names the entities; it may have labels without training
            texts. None for no comparison.
        paths: Largest number of steps, 1 to 3, of the paths in the graph that lead from the
            entities of a text to its grounded labels, from a question to its choices, from the
            first argument of a relation to the second, from the first text of a pair to the second,
            or from the mention of a word that is tagged to its classes; each type of path gets a
            weight. 0 for no paths; None for one step in token classification, and in multi-label
            classification with grounded labels, and for no paths otherwise.
        features: Sources of the entities' vectors: ``"words"``, their descriptions encoded by the
            backbone (the default), a file of vectors by id, or a list of both; or features that
            were made before.
        config: Training settings; the defaults if None.
        seed: Seed of the split, the new weights and the order of the texts.
        callbacks: Trainer callbacks.
        reporter: Shows the progress; the default logs it at level INFO.

    Raises:
        KGBertError: The texts cannot be read or learnt, or only one of validation and test is
            given.
    """
    config = config or TrainingConfig()
    label_entities = read_ground(ground)
    found_task, splits = task_and_splits(
        texts,
        validation=validation,
        test=test,
        task=task,
        columns=columns,
        labels=declared_labels(label_entities),
    )
    split = splits(seed)
    check_split(split, found_task)
    linker = make_linker(graph, linker) if isinstance(linker, str) else linker
    grounding = ground_task(found_task, split.train, graph, label_entities, reporter)
    steps = steps_of_paths(found_task, paths, split.train, grounding)
    words = [text for x in split.train for text in x.texts]
    check_linked(graph, linker, words, grounding)
    if grounding is not None and not mentions_graph(graph, linker, words):
        reporter.message("no training text mentions an entity; only the labels read the graph")
    vectors = entity_features(graph, backbone, linker, reporter, features)
    inputs = TrainingInputs(
        found_task, graph, vectors, linker, backbone, grounding=grounding, path_steps=steps
    )
    progress = StepProgress(reporter.steps("training, step"))
    return train_on(inputs, split, config=config, seed=seed, callbacks=[*callbacks, progress])


def entity_features(
    graph: KnowledgeGraph,
    backbone: str,
    linker: Linker,
    reporter: Reporter,
    sources: Features = None,
) -> EntityFeatures:
    """Return the features of a graph's entities, which the linker uses as well."""
    reporter.message(f"encoding {len(graph):,} entities, unless that was done before")
    steps = reporter.steps("encoding entities")
    features, reports = gather_features(graph, backbone, sources, progress=steps)
    for report in reports:
        reporter.message(report.summary())
        if report.matched < len(graph) or report.unknown:
            logger.info(report.summary())
    share_features(features, linker)
    return features


@silenced_transformers()
def train_on(
    inputs: TrainingInputs,
    split: Split,
    *,
    config: TrainingConfig,
    seed: int = 0,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainedModel:
    """Build a model from inputs that were made before, fine-tune it and test it once.

    Args:
        inputs: Task, graph, features, linker and backbone.
        split: The texts.
        config: How it is trained.
        seed: Of the new weights and the order of the texts.
        callbacks: Called at every step, as Trainer does.
    """
    task = grounded_task(inputs.task, inputs.graph, inputs.grounding, split.train)
    model, processor = build_model(inputs, split.train, config, seed=seed)
    task = task.with_settings(model.config.task_settings)
    result = fit_model(
        model, processor, split, task=task, config=config, seed=seed, callbacks=callbacks
    )
    metrics = evaluate(model, processor, task, task.encode(split.test, processor))
    about = {"Seed": seed, "Texts": split.sizes}
    return TrainedModel(model, processor, task, result, metrics, about)


def build_model(
    inputs: TrainingInputs,
    train: Sequence[Example],
    config: TrainingConfig,
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
) -> tuple[KGBertPreTrainedModel, KGBertProcessor]:
    """Return an untrained model and its processor.

    Args:
        inputs: Task, graph, features, linker and backbone.
        train: The training texts, which determine the labels.
        config: Training settings.
        seed: Seed of the new weights.
        options: Fields of KGBertConfig besides those of ``config``.
    """
    task, space = inputs.task, inputs.task.label_space(train)
    # Shared random values are drawn first, so that all arms of a comparison get the same ones.
    transformers.set_seed(seed)
    own = {
        "label_vectors": inputs.grounding is not None,
        "path_steps": inputs.path_steps,
        "compares_texts": task.model_class.answers_about_texts and are_pairs(train),
        "path_ends": path_ends(task, train, inputs.grounding),
        **config.options,
        **(options or {}),
    }
    if own["label_vectors"] or own["path_steps"]:
        own["untrained_labels"] = _untrained(task, space.labels, train)
    model = task.model_class.from_backbone(
        inputs.backbone,
        inputs.graph,
        labels=space.labels,
        head=space.head,
        task=task.name,
        task_settings=dict(space.settings),
        **{**own, **inputs.features.model_options},
    )
    tokenizer = load_tokenizer(inputs.backbone)
    reads_entities = model.injections or model.scores_entities
    # The training configuration limits the text length; the backbone may allow less.
    taken = longest_text(model.config.backbone) or tokenizer.model_max_length
    processor = KGBertProcessor(
        tokenizer,
        inputs.graph,
        inputs.features,
        linker=CachingLinker(inputs.linker),
        hops=model.config.graph_layers if reads_entities else 0,
        max_length=min(config.max_length, taken, tokenizer.model_max_length),
        expander=inputs.expander,
        **task.processor_options,
    )
    if own["label_vectors"]:
        _add_label_sets(model, processor, inputs, space.labels)
    if own["path_steps"]:
        _add_paths(model, processor, inputs, train)
    if train:
        fit_evidence(model, processor, task, train)
    return model, processor


def grounded_task(
    task: Task, graph: KnowledgeGraph, grounding: Grounding | None, train: Sequence[Example]
) -> Task:
    """Return a task that also scores how near wrong labels are, if its labels are grounded.

    Args:
        task: The task.
        graph: The graph of the labels.
        grounding: The entities of the labels.
        train: The training texts.
    """
    if grounding is None:
        return task
    labels = task.label_space(train).labels
    hierarchy = LabelHierarchy(graph, grounding.entities)
    return task.grounded(hierarchy, _untrained(task, labels, train))


def _untrained(task: Task, labels: Sequence[str], train: Sequence[Example]) -> list[str]:
    """Return the labels without training texts."""
    if not task.declared_labels:
        return []
    trained = frozenset[str]().union(*map(task.classes, train))
    classes = {label: task.class_name(label) for label in labels}
    return [label for label, name in classes.items() if name is not None and name not in trained]


def _add_label_sets(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    inputs: TrainingInputs,
    labels: Sequence[str],
) -> None:
    """Give a model and its processor the texts of the labels' entities."""
    assert inputs.grounding is not None
    names = {label: inputs.task.class_name(label) for label in labels}
    # A label that only occurs in the texts of another seed is described by its own words.
    entities: dict[str, str | None] = dict.fromkeys(name for name in names.values() if name)
    entities |= {each.label: each.entity for each in inputs.grounding.labels}
    sets = encode_label_sets(
        inputs.graph, entities, inputs.backbone, kinds=inputs.grounding.kinds
    ).spread(names)
    model.use_label_sets(sets)
    model.label_scorer.initialize_offset(sets)
    processor.use_label_sets(sets)


def _add_paths(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    inputs: TrainingInputs,
    train: Sequence[Example],
) -> None:
    """Give a model and its processor the types of path that occur in the training texts."""
    entities = inputs.grounding.entities if inputs.grounding else {}
    ends = model.paths_lead_to
    paths = path_features(
        PathFinder(inputs.graph, steps=model.config.path_steps),
        ends,
        model.config.path_types,
        [entities.get(x, "") for x in model.config.labels] if ends == "labels" else [],
    )
    if not paths.types:
        encoded = inputs.task.encode(train, processor)
        paths = paths.with_types_of((text for each in encoded for text in each.texts), len(encoded))
        model.add_path_scorer(paths.types)
    processor.use_paths(paths)


def fit_model(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    split: Split,
    *,
    task: Task,
    config: TrainingConfig,
    seed: int,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainingResult:
    """Fine-tune a model on the training texts of a split; its checkpoints are temporary."""
    with tempfile.TemporaryDirectory(prefix="kgbert-run-") as checkpoints:
        arguments = default_arguments(
            checkpoints,
            num_train_epochs=config.epochs,
            per_device_train_batch_size=config.texts_per_step(len(split.train)),
            learning_rate=config.encoder_rate(model.config.encoder_config.hidden_size),
            weight_decay=config.weight_decay,
            seed=seed,
            data_seed=seed,
            save_only_model=True,
        )
        return fine_tune(
            model,
            processor,
            split.train,
            split.validation,
            arguments=arguments,
            head_learning_rate=config.head_learning_rate,
            patience=config.patience,
            regularization=config.regularization,
            task=task,
            callbacks=callbacks,
        )
