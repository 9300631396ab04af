"""Check output folders and encoders before long operations."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kgbert.utils.errors import KGBertError, MissingFileError
from kgbert.utils.hub import local_folder
from kgbert.utils.paths import MODEL_FOLDER, SETTINGS_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_output(
    folder: Path, kind: str = "", marker: str = "", *, option: str = "--output"
) -> None:
    """Raise KGBertError if a folder is not writable, or if other files in it would be lost.

    Args:
        folder: The output folder; it need not exist yet.
        kind: What may be overwritten; empty if the command resumes from the files there.
        marker: The file by which this kind is recognised.
        option: The option that names the folder.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        file = "this" if existing == folder else existing
        raise KGBertError(
            f"{option} {folder}: {file} is a file; name a folder", code="output-is-a-file"
        )
    if not os.access(existing, os.W_OK):
        raise KGBertError(
            f"{option} {folder}: {existing} cannot be written to; name another folder",
            code="output-not-writable",
        )
    if kind and existing == folder and any(folder.iterdir()) and not (folder / marker).exists():
        raise KGBertError(
            f"{option} {folder}: this folder contains other files than a {kind} of kgbert, which "
            "would be lost; name a new folder",
            code="output-not-empty",
        )


def check_model(name: str) -> Path:
    """Return the folder of a saved model, which is downloaded if its name is one on the hub.

    Raises:
        MissingFileError: There is no model; the message names the folder inside that has one.
    """
    folder = local_folder(name)
    if (folder / SETTINGS_FILE).exists():
        return folder
    found = f"there is no {SETTINGS_FILE}, so this is no kgbert model"
    inner = folder / MODEL_FOLDER  # where compare and demo save the model
    remedy = (
        f"type {inner}"
        if (inner / SETTINGS_FILE).exists()
        else "give the folder that `kgbert train` wrote, or the folder `model` in that of `kgbert "
        "compare` or `kgbert demo`"
    )
    raise MissingFileError(
        f"{folder}: {found if folder.exists() else 'no such folder'}; {remedy}.",
        code="no-saved-model",
    )


#: Seconds to wait for the hub before it counts as unreachable.
_HUB_TIMEOUT = 5

#: A name on the hub, for messages.
_EXAMPLE = "bert-base-uncased"


def check_backbone(name: str) -> None:
    """Raise KGBertError if a name or folder has no encoder that supports injection."""
    config = check_encoder(name, "--backbone ")
    import torch
    from transformers import AutoModel

    from kgbert.features.backbones import blocks_of

    # Without weights: only the shape of the model matters here.
    with torch.device("meta"):
        blocks_of(AutoModel.from_config(config))


def check_encoder(name: str, option: str) -> "PreTrainedConfig":
    """Return the configuration of an encoder.

    Args:
        name: A folder, or a name on the hub.
        option: The option of the encoder, for messages.

    Raises:
        KGBertError: There is no such encoder.
    """
    if Path(name).exists():
        _check_folder(Path(name), option)
    elif not _is_hub_name(name):
        raise KGBertError(
            f"{option}{name}: no such folder; check the path, or give a name on the hub, for "
            f"example {option}{_EXAMPLE}",
            code="missing-encoder",
        )
    elif _is_hub_unreachable():
        # Read when the hub's client is first imported. Without it the client would request every
        # file of a downloaded model, each several times, before it takes the local copy.
        os.environ["HF_HUB_OFFLINE"] = "1"
    return _load_config(name, option)


def _check_folder(folder: Path, option: str) -> None:
    if not (folder / "config.json").is_file():
        raise KGBertError(
            f"{option}{folder}: there is no config.json, so this is not the folder of a model; "
            f"give one that save_pretrained wrote, or a name on the hub, for example "
            f"{option}{_EXAMPLE}",
            code="not-a-model-folder",
        )
    if (folder / SETTINGS_FILE).exists():
        raise KGBertError(
            f"{option}{folder}: this is a model of kgbert with a graph; give the plain encoder it "
            "was made from",
            code="encoder-is-a-kgbert-model",
        )


def _is_hub_name(name: str) -> bool:
    return name.count("/") <= 1 and not name.startswith((".", "/", "~")) and "\\" not in name


def _is_hub_unreachable() -> bool:
    # Imported here, because it takes a fifth of the time of `kgbert --help`.
    from urllib.request import getproxies

    if os.environ.get("HF_HUB_OFFLINE") or getproxies():
        return False
    hub = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        socket.create_connection((hub.hostname, hub.port or 443), _HUB_TIMEOUT).close()
    except OSError:
        return True
    return False


def _load_config(name: str, option: str) -> "PreTrainedConfig":
    from kgbert.features.pretrained import check_tokenizer, load_config, load_tokenizer
    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    try:
        config = load_config(name)
        check_tokenizer(load_tokenizer(name), config)
    except KGBertError:
        raise
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise KGBertError(
            f"{option}{name} cannot be loaded ({first}); check the spelling and the connection, "
            "or give the folder of a downloaded model",
            code="encoder-not-loaded",
        ) from error
    return config
