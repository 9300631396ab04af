"""Load tokenizers, configurations and models of Hugging Face without remote code."""

import json
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kgbert.utils.errors import KGBertError
from kgbert.utils.logging import without_progress_bars

#: What Python raises for values that transformers and tokenizers do not expect; an OSError
#: or a ValueError of transformers explains more.
UNEXPECTED_VALUES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    StrictDataclassError,
    TypeError,
)
#: What is raised for the files of a model that kgbert saved.
DAMAGED = (*UNEXPECTED_VALUES, OSError, RuntimeError, ValueError)

#: Most embeddings without a token, since embedding tables are often padded to round sizes.
_MOST_UNUSED = 1_024


@without_progress_bars()
def load_pretrained(auto_class: Any, name_or_path: Any, **options: Any) -> PreTrainedModel:
    """Return the model that an Auto class loads; a checkpoint with its own code is rejected."""
    model: PreTrainedModel = _load(auto_class, name_or_path, options)
    return model


@without_progress_bars()
def load_reporting_missing(
    auto_class: Any, name_or_path: Any, **options: Any
) -> tuple[PreTrainedModel, set[str]]:
    """Return the model that an Auto class loads, and the weights that its checkpoint lacks."""
    model: PreTrainedModel
    model, report = _load(auto_class, name_or_path, {**options, "output_loading_info": True})
    return model, set(report["missing_keys"])


def load_config(name_or_path: Any, **options: Any) -> PreTrainedConfig:
    """Return the configuration of a checkpoint."""
    config: PreTrainedConfig = _load(AutoConfig, name_or_path, options)
    return config


def load_tokenizer(name_or_path: Any, **options: Any) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a checkpoint.

    Raises:
        KGBertError: The checkpoint has no vocabulary, or needs its own code.
    """
    tokenizer: PreTrainedTokenizerBase = _load(AutoTokenizer, name_or_path, options)
    check_vocabulary(tokenizer, name_or_path)
    return tokenizer


def _load(auto_class: Any, name_or_path: Any, options: dict[str, Any]) -> Any:
    _check_foreign_code(Path(name_or_path))
    with NamingDamage(name_or_path, UNEXPECTED_VALUES):
        try:
            return auto_class.from_pretrained(name_or_path, trust_remote_code=False, **options)
        except ValueError as error:
            if "trust_remote_code" not in str(error):
                raise
            raise _foreign_code(name_or_path) from error


class NamingDamage:
    """Context that turns what libraries raise for damaged files into an error that names them."""

    def __init__(self, source: Any, kinds: tuple[type[Exception], ...]) -> None:
        """Start with the checkpoint, and the errors that mean that a file in it is damaged."""
        self.source, self.kinds = source, kinds

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if kind is None or issubclass(kind, KGBertError):
            return
        # tokenizers raises Exception itself; an except clause would catch its subclasses with it.
        if kind is Exception or issubclass(kind, self.kinds):
            raise KGBertError(
                f"{self.source} cannot be loaded ({kind.__name__}: "
                f"{' '.join(str(error).split())[:300]}). A file in it is damaged, or was made for "
                "another version. Restore the folder from its source.",
                code="damaged-checkpoint",
            ) from error


def _check_foreign_code(folder: Path) -> None:
    """Reject a folder whose architecture or tokenizer is only defined by its own code.

    transformers would silently use a similar class of its own. A folder with its own code for
    classes that transformers also has is loaded without that code.
    """
    config, tokenizer = (_read_json(folder / x) for x in ("config.json", "tokenizer_config.json"))
    is_foreign = "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING
    name = str(tokenizer.get("tokenizer_class", ""))
    if is_foreign or ("auto_map" in tokenizer and not hasattr(transformers, name)):
        raise _foreign_code(folder)


def _read_json(path: Path) -> dict[str, Any]:
    # transformers reports errors in the file.
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _foreign_code(source: Any) -> KGBertError:
    return KGBertError(
        f"{source} asks to run Python code of its own (auto_map), which kgbert never does. Use a "
        "checkpoint whose architecture and tokenizer transformers has.",
        code="foreign-code",
    )


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, source: Any = "") -> None:
    """Raise KGBertError if a tokenizer has only special tokens.

    transformers creates such a tokenizer for a folder without one.
    """
    words = set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)
    if not words:
        raise KGBertError(
            f"{source or tokenizer.name_or_path} has no tokenizer (tokenizer.json, vocab.txt ...), "
            "so that every word would be read as unknown. Save the tokenizer of the original "
            "checkpoint there: AutoTokenizer.from_pretrained(ORIGINAL).save_pretrained(FOLDER).",
            code="no-tokenizer",
        )


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig) -> None:
    """Raise KGBertError if the vocabulary size of a tokenizer does not fit a model.

    Args:
        tokenizer: The tokenizer.
        config: The configuration of the model that reads its tokens.
    """
    tokens, embeddings = len(tokenizer), config.vocab_size
    is_too_small = embeddings - tokens > max(_MOST_UNUSED, embeddings // 10)
    if tokens > embeddings or is_too_small:
        raise KGBertError(
            f"the tokenizer {tokenizer.name_or_path or type(tokenizer).__name__} has {tokens:,} "
            f"tokens, but the model {config.name_or_path or config.model_type} has {embeddings:,} "
            "embeddings: they do not belong together. Use the tokenizer of the model's own "
            "checkpoint; after tokens were added, call "
            "model.resize_token_embeddings(len(tokenizer)).",
            code="vocabulary-mismatch",
        )
