"""Shrink a multilingual encoder to the tokens of some texts.

Most of the 250,000 tokens of a multilingual encoder belong to languages that a translation does
not have, and the output layer of a decoder scores each of them at every word. All characters of the
texts are kept, so that any word of the same languages can still be written.

    python -m benchmarks.verdict.small_vocabulary ENCODER OUTPUT --texts FILE.jsonl [FILE.jsonl ...]

writes an encoder of the same layers whose tokenizer gives the same tokens for these texts.
"""

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

_EMBEDDINGS = "embeddings.word_embeddings.weight"

#: What the tokenizer writes for a space.
_SPACE = "▁"


def main() -> None:
    """Write the smaller encoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="JSONL files")
    arguments = parser.parse_args()
    texts = [
        str(value)
        for path in arguments.texts
        for line in path.read_text(encoding="utf-8").splitlines()
        for value in json.loads(line).values()
    ]
    kept = shrink(arguments.encoder, arguments.output, texts)
    print(f"{arguments.output}: {kept:,} tokens")


def shrink(encoder: Path, output: Path, texts: list[str]) -> int:
    """Write an encoder with the tokens of some texts; return their number."""
    shutil.copytree(encoder, output)
    path = output / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    used = {i for encoding in tokenizer.encode_batch(texts) for i in encoding.ids}
    record = json.loads(path.read_text(encoding="utf-8"))
    pieces = record["model"]["vocab"]
    special = {token["id"] for token in record["added_tokens"]}
    characters = {*"".join(texts), _SPACE}
    single = {i for i, (piece, _) in enumerate(pieces) if piece in characters}
    kept = sorted(used | special | single)
    places = {old: new for new, old in enumerate(kept)}
    record["model"]["vocab"] = [pieces[i] for i in kept]
    record["model"]["unk_id"] = places[record["model"]["unk_id"]]
    for token in record["added_tokens"]:
        token["id"] = places[token["id"]]
    for token in record["post_processor"]["special_tokens"].values():
        token["ids"] = [places[i] for i in token["ids"]]
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    weights = load_file(output / "model.safetensors")
    weights[_EMBEDDINGS] = weights[_EMBEDDINGS][kept].clone()
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((output / "config.json").read_text(encoding="utf-8"))
    config |= {"vocab_size": len(kept), "pad_token_id": places[config["pad_token_id"]]}
    (output / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return len(kept)


if __name__ == "__main__":
    main()
