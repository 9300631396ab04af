"""Text expansion: append further tokens to those of a text."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from transformers import PreTrainedTokenizerBase

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.registry import lookup

if TYPE_CHECKING:
    from kgbert.encoding.encoded import EncodedText


@runtime_checkable
class TextExpander(Protocol):
    """Appends tokens to encoded texts, as K-BERT appends the triples of a mention.

    It must be a dataclass of plain values, because a loaded processor rebuilds it from its fields.
    """

    name: ClassVar[str]
    """Its name in EXPANDERS."""

    def expand(
        self,
        text: "EncodedText",
        graph: KnowledgeGraph,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
    ) -> "EncodedText":
        """Return the text with tokens appended, up to ``max_length`` tokens in total."""
        ...

    def batch_tensors(
        self, encoded: Sequence["EncodedText"], width: int, max_length: int
    ) -> dict[str, Any]:
        """Return the tensors of a batch that the appended tokens change, by argument name."""
        ...


def make_expander(name: str, settings: dict[str, Any]) -> TextExpander:
    """Return the expander of a saved processor by its name and settings."""
    module, _, attribute = lookup(EXPANDERS, name, "text expander").partition(":")
    make: Callable[..., TextExpander] = getattr(import_module(module), attribute)
    return make(**settings)


#: Name -> ``module:class``, imported on use because the baselines import this module.
EXPANDERS = {"kbert": "kgbert.baselines.kbert:SentenceTreeExpander"}
