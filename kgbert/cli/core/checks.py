"""Make sure of the backbone, and of a linker's encoder, before anything takes long."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from kgbert.utils.paths import SETTINGS_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_output(folder: Path, kind: str = "", mark: str = "") -> None:
    """Raise ValueError where a folder cannot be written, or what it holds would be lost.

    Args:
        folder: Where results go; it need not exist yet.
        kind: What alone may be overwritten there; empty if what is there is gone on with.
        mark: The file by which that is known.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        which = "this" if there == folder else there
        raise ValueError(f"--output {folder}: {which} is a file; name a folder")
    if not os.access(there, os.W_OK):
        raise ValueError(
            f"--output {folder}: nothing may be written in {there}; name a folder of your own"
        )
    if kind and there == folder and any(folder.iterdir()) and not (folder / mark).exists():
        raise ValueError(
            f"--output {folder}: this folder holds files that are no {kind} of kgbert, and they "
            "would be lost; name a new folder"
        )


#: Seconds to wait for the hub; what does not answer by then is taken to be out of reach.
_PATIENCE = 5

#: A name on the hub, where an error shows one.
_EXAMPLE = "bert-base-uncased"


def check_backbone(name: str) -> None:
    """Raise ValueError where a name or folder holds no encoder that knowledge can enter."""
    config = check_encoder(name, "--backbone ")
    import torch
    from transformers import AutoModel

    from kgbert.models.layers.injection import blocks_of

    # Without weights: only the shape of the model matters here.
    with torch.device("meta"):
        blocks_of(AutoModel.from_config(config))


def check_encoder(name: str, option: str) -> "PreTrainedConfig":
    """Return the configuration of an encoder; raise ValueError where there is none.

    Args:
        name: A folder, or a name on the hub.
        option: What was typed before it, to be told in errors.
    """
    if Path(name).exists():
        _check_folder(Path(name), option)
    elif not _may_be_on_hub(name):
        raise ValueError(
            f"{option}{name}: no such folder; check the path, or give a name on the hub as in "
            f"{option}{_EXAMPLE}"
        )
    elif _hub_is_out_of_reach():
        # Read when the hub's client is first imported. Without it every file of a model that was
        # downloaded before would be asked for, again and again, before the copy is taken.
        os.environ["HF_HUB_OFFLINE"] = "1"
    return _loaded(name, option)


def _check_folder(folder: Path, option: str) -> None:
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"{option}{folder}: there is no config.json, so it is no folder of a model; give one "
            f"that save_pretrained wrote, or a name on the hub as in {option}{_EXAMPLE}"
        )
    if (folder / SETTINGS_FILE).exists():
        raise ValueError(
            f"{option}{folder}: this is a model of kgbert, with a graph inside; give the plain "
            "encoder it was made from"
        )


def _may_be_on_hub(name: str) -> bool:
    return name.count("/") <= 1 and not name.startswith((".", "/", "~")) and "\\" not in name


def _hub_is_out_of_reach() -> bool:
    if os.environ.get("HF_HUB_OFFLINE") or getproxies():
        return False
    hub = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        socket.create_connection((hub.hostname, hub.port or 443), _PATIENCE).close()
    except OSError:
        return True
    return False


def _loaded(name: str, option: str) -> "PreTrainedConfig":
    from transformers import AutoConfig, AutoTokenizer

    from kgbert.utils.logging import silence_libraries

    silence_libraries()
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(name)
        AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{option}{name} cannot be loaded ({first}); check the spelling and the connection, "
            "or give the folder of a downloaded model"
        ) from error
    return config
