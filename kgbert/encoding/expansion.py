"""Texts that grow: what an encoder may be given behind the tokens of a text."""

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

    A dataclass of plain values, so that a saved processor can rebuild it from its fields.
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
        """Return the text with tokens appended, as many as ``max_length`` leaves room for."""
        ...

    def batch_tensors(
        self, encoded: Sequence["EncodedText"], width: int, max_length: int
    ) -> dict[str, Any]:
        """Return the tensors of a batch that the appended tokens change, by argument name."""
        ...


def make_expander(name: str, settings: dict[str, Any]) -> TextExpander:
    """Return the expander that a saved processor names, with its settings."""
    module, _, attribute = lookup(EXPANDERS, name, "text expander").partition(":")
    make: Callable[..., TextExpander] = getattr(import_module(module), attribute)
    return make(**settings)


#: Where each expander is defined; imported when its name is used, since baselines build on this.
EXPANDERS = {"kbert": "kgbert.baselines.kbert:SentenceTreeExpander"}
