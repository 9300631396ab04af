import json
from argparse import ArgumentParser

import pytest

from kgbert.cli.main import _parser, main
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.registry import COMMANDS
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.factory import linker_settings
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.models.task_models import KGBertModel
from tests.support.small_study import texts

#: Each option, what is typed after it, and the setting that it makes.
OPTIONS = {
    "--disable-rules": ("plural, greek", {"rules": frozenset(RULES) - {"plural", "greek"}}),
    "--fuzzy-min-length": ("8", {"fuzzy_min_length": 8}),
    "--overlaps": ("nested", {"overlaps": "nested"}),
    "--candidates": ("2", {"max_candidates": 2}),
    "--min-score": ("0.55", {"min_score": 0.55}),
    "--domain-words": ("medicine", {"domain_words": "medicine"}),
    "--stop-names": ("Group,share", {"stop_names": STOP_NAMES | {"group", "share"}}),
}


#: What a linker makes of the defaults for a graph without a card.
RESOLVED = {"domain_words": "none"}


def graph_of(*names):
    builder = GraphBuilder()
    for name in names:
        builder.add_name(f"E:{name}", name)
    return builder.build()


def made(*typed, graph=None):
    parser = ArgumentParser()
    add_linker_arguments(parser)
    return linker_of(parser.parse_args(typed), graph or graph_of("group"))


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_changes_its_setting_and_no_other(option):
    typed, changes = OPTIONS[option]

    (settings,) = linker_settings(made(option, typed))

    assert LinkerSettings.from_dict(settings) == LinkerSettings(**{**RESOLVED, **changes})


def test_without_options_the_settings_are_the_defaults():
    (settings,) = linker_settings(made())

    assert LinkerSettings.from_dict(settings) == LinkerSettings(**RESOLVED)


@pytest.mark.parametrize("name", ["link", "inspect", "train", "compare"])
def test_every_command_that_links_has_the_options(name):
    parser = _parser()

    arguments = parser.parse_args(
        [
            name,
            "g.obo",
            *(["a text"] if name == "link" else []),
            *(["--backbone", "b"] if name in ("train", "compare") else []),
            *(word for option, (typed, _) in OPTIONS.items() for word in (option, typed)),
        ]
    )

    assert (arguments.command, arguments.candidates) == (COMMANDS[name], 2)
    # A comparison records the rules as JSON.
    assert json.loads(json.dumps(arguments.rules)) == list(arguments.rules)


@pytest.mark.parametrize(
    ("option", "typed", "message"),
    [
        ("--disable-rules", "plurals", "did you mean 'plural'"),
        ("--fuzzy-min-length", "3", "invalid number '3'; expected a whole number of at least 4"),
        ("--overlaps", "none", "invalid choice: 'none'"),
        ("--candidates", "0", "expected a whole number of at least 1"),
        ("--min-score", "1", "invalid number '1'; expected one from 0 to less than 1"),
        ("--min-score", "nan", "invalid number 'nan'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(option, typed, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        made(option, typed)

    assert message in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["embedding", "description"])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("/gone", "no such folder; check the path, or give a name on the hub, for example"),
        (".", "there is no config.json, so this is not the folder of a model"),
    ],
)
def test_an_invalid_encoder_is_reported_as_typed(kind, place, message):
    with pytest.raises(ValueError, match=f"^--linker {kind}:{place}: {message.format(kind)}"):
        made("--linker", f"dictionary+{kind}:{place}")


def test_all_rules_are_switched_off_at_once():
    (settings,) = linker_settings(made("--disable-rules", "all"))

    assert not any(settings["rules"].values())


def test_other_names_are_linked_as_before():
    graph = graph_of("group", "share")

    stopped = made("--stop-names", "Group", "--linker", "dictionary+char-ngram", graph=graph)

    assert stopped(["a share"]) == made("--linker", "dictionary+char-ngram", graph=graph)(
        ["a share"]
    )


def test_an_acronym_is_linked_though_its_word_is_stopped():
    stopped = made("--stop-names", "age", graph=graph_of("AGE"))

    assert len(stopped(["the AGE test"])[0]) == 1


def test_generic_names_are_words_of_the_graph_and_of_english():
    graph = graph_of("tariff", *(f"tariff of sort {number}" for number in range(20)))

    options = ("--exclude-generic-names", "--domain-words", "medicine")
    (many,) = linker_settings(made(*options, graph=graph))
    (few,) = linker_settings(made("--exclude-generic-names", graph=graph_of("tariff")))

    assert {"tariff", "patient"} <= {*many["stop_names"]}
    assert "tariff" not in few["stop_names"]


@pytest.fixture
def study(tmp_path, monkeypatch, plain_folder):
    """Return the arguments of a study with options of the linker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    rows = "".join(f"{example.text},{example.target}\n" for example in texts(40))
    (tmp_path / "notes.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    (tmp_path / "signs.csv").write_text("id,label\nEX:1,fever\nEX:2,lung\n", encoding="utf-8")
    encoder = str(plain_folder("bert", KGBertModel))
    quick = ["--epochs", "1", "--batch-size", "16", "--max-length", "40", "--output", "out"]
    options = ["--disable-rules", "plural", "--stop-names", "lung"]
    return ["signs.csv", "--texts", "notes.csv", "--backbone", encoder, *quick, *options]


def test_a_trained_model_links_as_it_was_trained(study, capsys):
    main(["train", *study])
    capsys.readouterr()

    main(["predict", "out", "fevers and fever of the lung"])

    output = capsys.readouterr().out
    assert "11-16  fever" in output
    assert "fevers\n" not in output
    assert "EX:2, linked" not in output


def test_a_comparison_records_the_options(study, tmp_path):
    main(["compare", *study, "--seeds", "1", "--arms", "plain,knowledge"])

    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))

    assert results["study"]["command"]["stop_names"] == ["lung"]
    assert "lung" in results["study"]["manifest"]["linker"]["dictionary"]["stop_names"]
    assert not results["study"]["manifest"]["linker"]["dictionary"]["rules"]["plural"]
