"""Tokenise texts, link them, and align both: all that inference needs of an encoding."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kgbert.data import Example, Span
from kgbert.encoding.alignment import align, tokens_of
from kgbert.encoding.candidates import candidate_set
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.paths.features import PathFeatures
from kgbert.encoding.tokenization import TokenizedText, tokenize, tokenize_windows
from kgbert.features.unknown_tokens import check_known_tokens, count_unknown
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.examples import link_examples
from kgbert.linking.mention import Linker, Mention

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextEncoder:
    """Tokenises and links texts, without torch and without transformers."""

    tokenizer: Any
    """A fast tokenizer of transformers, or :class:`kgbert.runtime.tokenizer.RuntimeTokenizer`."""
    graph: KnowledgeGraph
    linker: Linker
    max_length: int
    """Maximum number of tokens of a text."""
    candidates: int = 0
    """Number of candidates of each mention, for entity linking models."""
    reads_last_token: bool = False
    """Whether the last token gets the text-level links instead of the first."""
    paths: PathFeatures | None = None
    """Counts the paths from the mentions of texts; None counts none."""

    def encode(self, texts: Sequence[str | Example]) -> list[EncodedText]:
        """Tokenise and link texts; this is the slow part, needed once a text.

        Args:
            texts: Texts, or examples: of a pair of texts, or with the two arguments of a relation,
                which get markers. Offsets refer to :attr:`Example.joined`, without markers.

        Raises:
            KGBertError: An argument of a relation is cut off, or most tokens are unknown.
        """
        if isinstance(texts, str):
            raise TypeError(f"texts must be a list of texts, not one text: [{texts[:40]!r}]")
        if not texts:
            return []
        given = [x if isinstance(x, Example) else Example(x) for x in texts]
        rows = tokenize(self.tokenizer, given, self.max_length)
        self._warn_truncated(rows)
        self._check_known_tokens(rows)
        mentions = link_examples(self.linker, given)
        encoded = map(self._encoded_text, given, rows, mentions)
        result = [self._with_paths(text) for text in encoded]
        self._warn_unknown_entities(result)
        return result

    def encode_windows(
        self, examples: Sequence[Example], *, stride: int
    ) -> list[list[EncodedText]]:
        """Tokenise and link texts, each as overlapping windows of the text.

        Args:
            examples: Texts; a second text is a question, with which every window begins.
            stride: Number of tokens that consecutive windows share.
        """
        rows = tokenize_windows(self.tokenizer, examples, self.max_length, stride)
        self._check_known_tokens(row for some in rows for row in some)
        mentions = link_examples(self.linker, examples)
        result = [
            [
                self._encoded_text(example, row, [x for x in found if tokens_of(x, row.offsets)])
                for row in windows
            ]
            for example, windows, found in zip(examples, rows, mentions, strict=True)
        ]
        self._warn_unknown_entities([text for windows in result for text in windows])
        return result

    def _encoded_text(
        self, example: Example, row: TokenizedText, mentions: list[Mention]
    ) -> EncodedText:
        tokens, offsets, word_ids, marks, _ = row
        if not tokens["input_ids"]:
            # Decoder-only tokenizers add no special token to an empty text.
            tokens = {name: [int(name == "attention_mask")] for name in tokens}
            tokens["input_ids"] = [self.tokenizer.pad_token_id]
            offsets, word_ids = [(0, 0)], [None]
        arguments = dict(zip(marks, example.arguments, strict=True))
        read_token = self._read_token(tokens)
        return EncodedText(
            example.joined,
            tokens,
            offsets,
            word_ids,
            mentions,
            align(offsets, mentions, self.graph, read_token, arguments),
            candidate_sets=tuple(
                candidate_set(mention, offsets, self.graph, self.candidates)
                for mention in (mentions if self.candidates else ())
            ),
            marks=marks,
            read_token=read_token,
            boundary=len(example.text) if example.others else None,
        )

    def with_mentions(
        self, text: EncodedText, mentions: Sequence[Mention], arguments: Sequence[Span] = ()
    ) -> EncodedText:
        """Return an encoded text with the links and paths of other mentions; its tokens stay.

        Args:
            text: The output of :meth:`encode`, without appended tokens.
            mentions: In characters of the same text.
            arguments: Head and tail of the example, if it has them.
        """
        marks = dict(zip(text.marks, arguments, strict=True))
        read_token = self._read_token(text.tokens)
        links = align(text.offsets, mentions, self.graph, read_token, marks)
        return self._with_paths(replace(text, mentions=list(mentions), links=links))

    def _with_paths(self, text: EncodedText) -> EncodedText:
        return text if self.paths is None else self.paths.update(text)

    def _read_token(self, tokens: Mapping[str, list[int]]) -> int:
        """Return the token that a sequence head reads, by the rule of transformers."""
        if not self.reads_last_token:
            return 0
        ids, padding = tokens["input_ids"], self.tokenizer.pad_token_id
        return max((place for place, token in enumerate(ids) if token != padding), default=0)

    def _check_known_tokens(self, rows: Iterable[TokenizedText]) -> None:
        count = count_unknown(self.tokenizer, (row.tokens["input_ids"] for row in rows))
        check_known_tokens(self.tokenizer, count)

    def _warn_truncated(self, rows: Sequence[TokenizedText]) -> None:
        """Warn once per call about truncated texts."""
        cut = sum(row.is_truncated for row in rows)
        if cut:
            logger.warning(
                "%s of %s texts are longer than %s tokens and were cut off, including the mentions "
                "after that point; split them, or choose a larger max_length (--max-length) if "
                "the backbone takes it.",
                f"{cut:,}",
                f"{len(rows):,}",
                f"{self.max_length:,}",
            )

    def _warn_unknown_entities(self, encoded: Sequence[EncodedText]) -> None:
        """Warn once per call about mentions whose ids are not in the graph."""
        unknown = [entity for text in encoded for entity in text.links.unknown]
        if unknown:
            logger.warning(
                "%s of %s mentions are linked to no entity of the graph (the first to %r, where "
                "the graph has ids like %r), so that they add no knowledge; let the linker return "
                "the graph's own ids.",
                f"{len(unknown):,}",
                f"{sum(len(text.mentions) for text in encoded):,}",
                unknown[0],
                self.graph.entity_ids[0] if len(self.graph) else "none",
            )
