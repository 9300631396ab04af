"""The output folder: it resumes an interrupted pretraining and receives the encoder."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgbert.data.texts_read import TextsRead
from kgbert.features.frozen_encoder import weights_hash
from kgbert.features.pretrained import load_tokenizer
from kgbert.pretraining.card import encoder_card
from kgbert.pretraining.checkpoint import Checkpoint
from kgbert.pretraining.record import (
    PretrainingRecord,
    package_versions,
    pretraining_record,
)
from kgbert.pretraining.trainer import FitResult
from kgbert.utils.atomic_write import replacing, write_atomically
from kgbert.utils.device import process_state
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import CARD_FILE, KNOWLEDGE_FILE, without_folders

logger = logging.getLogger(__name__)

#: Subfolder of an unfinished pretraining, and the file in it that identifies its inputs.
UNFINISHED = "unfinished"
_INPUTS_FILE = "inputs.json"


@dataclass(frozen=True)
class PretrainedEncoder:
    """An encoder that was pretrained further and saved."""

    folder: str
    """The folder, to give as ``backbone``."""
    record: PretrainingRecord


def check_output_folder(folder: Path) -> None:
    """Raise KGBertError unless a folder is new, empty, or has an unfinished pretraining."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise KGBertError(f"{folder} is a file; name a folder.", code="output-is-a-file")
    others = sorted(path.name for path in folder.iterdir() if path.name != UNFINISHED)
    if others:
        raise KGBertError(
            f"{folder} already contains {', '.join(others[:3])}, which would be lost.",
            code="output-not-empty",
            remedies=[Remedy("output", purpose="to name a new folder")],
        )


def unfinished_folder(folder: Path, inputs: Mapping[str, Any]) -> Path:
    """Return the folder of checkpoints, from which the same pretraining is continued.

    Args:
        folder: The output folder.
        inputs: Whatever determines the result, for JSON.

    Raises:
        KGBertError: The folder has an unfinished pretraining with other inputs.
    """
    place = folder / UNFINISHED
    content: dict[str, Any] = json.loads(json.dumps(inputs))
    with process_state().main_process_first():
        path = place / _INPUTS_FILE
        if not path.exists():
            write_atomically(path, json.dumps(content, indent=1))
        before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    names = content.keys() | before.keys()
    if changed := sorted(name for name in names if content.get(name) != before.get(name)):
        raise KGBertError(
            f"{folder} has an unfinished pretraining with another {', another '.join(changed)}. "
            f"Repeat the command that started it, remove {place}, or choose another folder.",
            code="other-unfinished-pretraining",
            remedies=[Remedy("output", purpose="to name a new folder")],
        )
    return place


@contextmanager
def once(place: Path, name: str) -> Iterator[bool]:
    """Yield whether a preparation has to be done; it is done once by the main process.

    Args:
        place: The folder of checkpoints.
        name: Name of the preparation.
    """
    marker = place / f"{name}.done"
    with process_state().main_process_first():
        is_needed = not marker.exists()
        yield is_needed
        marker.touch()


def save_encoder(
    folder: Path,
    checkpoint: Checkpoint,
    record: PretrainingRecord,
    *,
    digests: Iterable[int] = (),
    save_further: Callable[[Path], None] | None = None,
) -> None:
    """Write encoder, tokenizer, record and card atomically; the checkpoints are removed.

    Args:
        folder: The output folder.
        checkpoint: The trained model.
        record: How the encoder was made.
        digests: Those of the texts that were read.
        save_further: Writes further files to a folder.
    """
    state = process_state()
    if state.is_main_process:
        if save_further is None and (Path(checkpoint.name) / KNOWLEDGE_FILE).is_file():
            logger.warning(
                "the injection weights in %s are not kept, because this pretraining does not read "
                "the graph",
                checkpoint.name,
            )
        with replacing(folder, "encoder") as fresh:
            checkpoint.model.save_pretrained(fresh, state_dict=checkpoint.state_dict())
            # Loaded anew, because padding may have been added to the one that was used.
            load_tokenizer(checkpoint.name).save_pretrained(fresh)
            record.save(fresh)
            TextsRead.load(checkpoint.name).with_unlabelled(digests).save(fresh)
            if save_further is not None:
                save_further(fresh)
            (fresh / CARD_FILE).write_text(encoder_card(record), encoding="utf-8")
    state.wait_for_everyone()


def make_record(
    checkpoint: Checkpoint, objective: str, settings: Mapping[str, Any], fitted: FitResult
) -> PretrainingRecord:
    """Return the record of a training, without its data."""
    return PretrainingRecord(
        objective=objective,
        backbone=without_folders(checkpoint.name),
        backbone_hash=checkpoint.hash,
        encoder_hash=weights_hash(checkpoint.encoder),
        settings=settings,
        evaluations=fitted.evaluations,
        steps=fitted.steps,
        best_step=fitted.best_step,
        seconds=round(fitted.seconds, 1),
        versions=package_versions(),
        previous=pretraining_record(checkpoint.name),
    )
