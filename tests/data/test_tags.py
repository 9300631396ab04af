import pytest

from kgbert.data import Span, read_texts

#: The same sentences in every scheme: "lung fibrosis" and "asthma" are spans.
TOKENS = [["The", "lung", "fibrosis", "was", "O"], ["No", "asthma", "."]]
SCHEMES = {
    "BIO": (["O", "B-Disease", "I-Disease", "O", "O"], ["O", "B-Disease", "O"]),
    "IOB1": (["O", "I-Disease", "I-Disease", "O", "O"], ["O", "I-Disease", "O"]),
    "BMES": (["O", "B-Disease", "E-Disease", "O", "O"], ["O", "S-Disease", "O"]),
    "BILOU": (["O", "B-Disease", "L-Disease", "O", "O"], ["O", "U-Disease", "O"]),
    "BMEOW": (["O", "B-Disease", "E-Disease", "O", "O"], ["O", "W-Disease", "O"]),
    "underscore": (["O", "B_Disease", "I_Disease", "O", "O"], ["O", "B_Disease", "O"]),
    "suffix": (["O", "Disease-B", "Disease-I", "O", "O"], ["O", "Disease-B", "O"]),
    "IO": (["O", "Disease", "Disease", "O", "O"], ["O", "Disease", "O"]),
    "bare BIO": (["O", "B", "I", "O", "O"], ["O", "B", "O"]),
    "bare IO": (["O", "I", "I", "O", "O"], ["O", "I", "O"]),
    "bare BIOES": (["O", "B", "E", "O", "O"], ["O", "S", "O"]),
}


def conll(tags, separator="\t", extra=()):
    return "\n".join(
        "".join(
            separator.join([token, *extra, tag]) + "\n"
            for token, tag in zip(*sentence, strict=True)
        )
        for sentence in zip(TOKENS, tags, strict=True)
    )


def spans(path):
    return [
        [(example.text[span.start : span.end], span.label) for span in example.spans]
        for example in read_texts(path)
    ]


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_every_scheme_of_tags_gives_the_same_spans(tmp_path, name, separator):
    path = tmp_path / "train.conll"
    path.write_text(conll(SCHEMES[name], separator), encoding="utf-8")
    label = "entity" if name.startswith("bare") else "Disease"

    assert spans(path) == [[("lung fibrosis", label)], [("asthma", label)]]


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("suffix", [".tsv", ".txt"])
def test_tokens_and_tags_are_recognised_whatever_the_suffix(tmp_path, name, suffix):
    path = tmp_path / f"train{suffix}"
    path.write_text(conll(SCHEMES[name]), encoding="utf-8")

    assert [len(found) for found in spans(path)] == [1, 1]


def test_lines_of_words_are_not_taken_for_tokens_and_tags(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hepatitis B\nhepatitis E\ngroup O\n", encoding="utf-8")

    assert [example.text for example in read_texts(path)] == [
        "hepatitis B",
        "hepatitis E",
        "group O",
    ]


def test_a_table_of_labels_is_not_taken_for_tokens_and_tags(tmp_path):
    path = tmp_path / "groups.tsv"
    path.write_text("text\tlabel\nthe one\tO\nthe other\tB\n", encoding="utf-8")

    assert [example.target for example in read_texts(path)] == ["O", "B"]


def test_columns_before_and_behind_the_tags_are_passed_over(tmp_path):
    path = tmp_path / "train.iob2"
    rows = ["1\tNo\tO\t-\tann", "2\tasthma\tB-Disease\t-\tann", "3\t.\tO\t-\tann"]
    path.write_text("# text = No asthma.\n" + "\n".join(rows), encoding="utf-8")

    assert [example.text for example in read_texts(path)] == ["No asthma ."]
    assert spans(path) == [[("asthma", "Disease")]]


CONLLU = """# sent_id = s1
# text = Won't go home.
1-2\tWon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tWo\twill\tAUX\t_\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\t_\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\t_\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
4\thome\thome\tNOUN\t_\t_\t3\tobj\t_\tNER=B-Place|SpaceAfter=No
5\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\tNER=O

# sent_id = s2
1\tYes\tyes\tINTJ\t_\t_\t0\troot\t_\t_
"""


def test_conllu_keeps_the_spaces_of_the_text(tmp_path):
    path = tmp_path / "train.conllu"
    path.write_text(CONLLU, encoding="utf-8")

    first, second = read_texts(path)

    assert (first.text, first.id) == ("Won't go home.", "s1")
    assert first.spans == (Span(9, 13, "Place"),)
    assert (second.text, second.spans) == ("Yes", ())
