"""One-line descriptions of the arms, in a module that loads quickly."""

#: The measures against overfitting of arms that are named after an option of the training.
MEASURES: dict[str, float | str] = {
    "dropout": 0.3,
    "weight-decay": 0.1,
    "l1": 1e-6,
    "frozen-layers": 2,
    "layer-rate-decay": 0.8,
    "label-smoothing": 0.1,
    "class-weights": "balanced",
    "synonym-replacement": 0.3,
    "sibling-replacement": 0.3,
    "entity-dropout": 0.2,
}

#: Descriptions by kind and name, in the order of the command line's help.
KINDS = {
    "compared": {
        "plain": "the encoder alone: no injection, no comparison with label entities, no paths",
        "knowledge": "reads the graph: entities of mentions, and of labels if they are grounded",
    },
    "controls": {
        "shuffled": (
            "reads the same graph with the entities permuted: right amount, wrong knowledge"
        ),
        "rewired-edges": (
            "reads the graph with its edges exchanged, every degree kept; features still describe "
            "the original neighbours"
        ),
        "shuffled-relations": "reads the graph with the relations exchanged among its edges",
        "no-edges": "reads each entity's features, not its neighbours, and counts no path of edges",
        "names-only": (
            "reads the vector of each entity's name, no neighbours: a dictionary with embeddings"
        ),
        "words-only": "reads the words of each entity, not the vectors of a file of --features",
        "random-features": "reads the graph with a vector drawn at random for each entity",
        "mention-only": (
            "knows where mentions are, and their scores: one learned vector for all entities; "
            "grounded labels stay"
        ),
        "dummy": (
            "as large as the knowledge arm, with constant inputs instead of mentions; grounded "
            "labels stay"
        ),
        "noisy-links": (
            "reads the graph with 30 % of the mentions linked to entities drawn at random"
        ),
    },
    "rivals": {
        "tf-idf": "a linear model over TF-IDF of the words, without encoder and graph: the floor",
        "dictionary": (
            "tags the words of mentions by what the graph says about them, without encoder: the "
            "floor of token classification"
        ),
        "verbalized-context": (
            "the plain model, with names, ancestors and relations of each mention appended to "
            "the text"
        ),
        "appended-definitions": (
            "the plain model, with name, type and definition of each mention appended to the text"
        ),
        "typed-markers": "the plain model, with each mention marked by its type in the text",
        "k-bert": (
            "the plain model reads triples behind the mentions, by soft positions and a "
            "visible matrix"
        ),
        "ernie": (
            "TransE vectors are fused into the feed-forward parts of the mentions' first tokens"
        ),
        "knowbert": (
            "after one block all words read the mentions, which a linker trained along resolves"
        ),
        "on2vec": "the mean of the entities' vectors joins the text's vector after pooling",
        "label-names": "compares the text with the words of each label, without the graph",
        "label-definitions": (
            "compares the text with names and definition of each label's entity, and injects "
            "nothing"
        ),
        "label-vectors": (
            "compares the text with names, definition and descendants of each label's entity, and "
            "injects nothing"
        ),
        "paths": (
            "scores each answer by the types of path that lead to it in the graph, and injects "
            "nothing"
        ),
        "path-counts": "scores each answer by the number of such paths, whatever their relations",
    },
    "measures against overfitting": {
        name: f"reads the graph, and is trained with --{name} {value}"
        for name, value in MEASURES.items()
    },
    "ceiling": {
        "oracle-links": (
            "reads the graph with the mentions and entities that the texts are labelled with: "
            "a ceiling, no rival"
        ),
    },
}

#: Descriptions by name.
DESCRIPTIONS = {name: text for kind in KINDS.values() for name, text in kind.items()}
