"""Folders of models on the Hugging Face Hub: download by name, and upload."""

import re
from pathlib import Path

from kgbert.utils.errors import KGBertError, MissingFileError, Remedy

#: Files that kgbert never reads, because loading them can run code.
_IGNORED = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.py", "*.h5", "*.msgpack"]
#: Files of an earlier upload that are removed, so that no graph stays that is left out now.
_REPLACED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.onnx"]
_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)


def is_hub_name(name: str | Path) -> bool:
    """Return whether a string has the form of a repository on the hub, ``user/model``.

    >>> is_hub_name("user/model"), is_hub_name("./model"), is_hub_name("model")
    (True, False, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_published(backbone: str) -> bool:
    """Return whether the name of a checkpoint is one on the hub, as far as its form tells.

    >>> is_published("bert-base-uncased"), is_published("/models/bert"), is_published("")
    (True, False, False)
    """
    return re.fullmatch(rf"({_NAME.pattern})|\w[\w.-]*", backbone, re.ASCII) is not None and (
        not Path(backbone).exists()
    )


def local_folder(name: str | Path) -> Path:
    """Return a folder, or the local copy of the repository on the hub with this name.

    Only a string ``user/model`` without a folder of this path is looked up on the hub. The token
    of ``hf auth login`` or ``HF_TOKEN`` gives access to private repositories.

    Raises:
        MissingFileError: There is neither a folder nor such a repository.
    """
    folder = Path(name)
    if not is_hub_name(name) or folder.exists():
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(name), ignore_patterns=_IGNORED))
    except (OSError, ValueError) as error:
        raise MissingFileError(
            f"{name}: no such folder, and the model of this name cannot be downloaded from the "
            f"Hugging Face Hub ({_first_line(error)}). Check the spelling, the connection, and "
            "with `hf auth whoami` that you may read it; or give the folder of a saved model.",
            code="no-hub-model",
        ) from error


def upload(folder: Path, name: str, *, private: bool) -> str:
    """Upload the files of a folder to a repository on the hub, and return its address.

    Files of models that the folder lacks are removed from the repository; its history keeps them.

    Args:
        folder: The folder of a saved model.
        name: Name of the repository, which is created if it does not exist.
        private: Whether only the owner may see the repository.

    Raises:
        KGBertError: The repository exists and is public, and ``private`` is set.
    """
    from huggingface_hub import HfApi

    hub = HfApi()
    address = hub.create_repo(name, private=private, exist_ok=True)
    if private and not hub.model_info(name).private:
        raise KGBertError(
            f"{name} exists and is public, so that everyone could read the model. Nothing was "
            "uploaded. Make it private in its settings, or choose another name.",
            code="public-repository",
            remedies=[Remedy("private", False, "to upload it in public")],
        )
    hub.upload_folder(
        repo_id=name,
        folder_path=folder,
        commit_message="Upload a model of kgbert",
        delete_patterns=_REPLACED,
    )
    return str(address)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
