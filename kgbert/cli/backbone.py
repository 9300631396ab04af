"""Make sure of the backbone, and of a linker's encoder, before anything takes long."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from kgbert.places import SETTINGS_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Seconds to wait for the hub; what does not answer by then is taken to be out of reach.
_PATIENCE = 5

#: A name on the hub, where an error shows one.
_EXAMPLE = "bert-base-uncased"


def check_backbone(name: str) -> None:
    """Raise ValueError where a name or folder holds no encoder that knowledge can enter."""
    config = check_encoder(name, "--backbone ")
    import torch
    from transformers import AutoModel

    from kgbert.modeling.injection import blocks_of

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

    from kgbert.cli.quiet import quieten

    quieten()
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
