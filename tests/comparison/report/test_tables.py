import re

import pytest

from kgbert.comparison.report.tables import render_latex, render_markdown, render_table
from tests.support.invented_study import ARMS, runs, study, summarised

FIVE = (*ARMS, "verbalized-context", "mention-only")
RENDERERS = [render_table, render_markdown, render_latex]


@pytest.mark.parametrize("render", RENDERERS)
def test_every_format_contains_every_arm_and_the_verdict(render):
    results = summarised(study(arms=FIVE), runs(arms=FIVE))

    text = render(results)

    assert all(arm in text for arm in FIVE)
    assert "Knowledge helps" in text


@pytest.mark.parametrize("render", RENDERERS)
def test_the_scores_come_with_the_number_of_their_texts(render):
    splits = {str(seed): {"train": 60, "validation": 20, "test": 18 + seed} for seed in range(6)}

    text = render(summarised(study(manifest={"splits": splits}), runs()))

    assert "18 to 23 test texts per seed" in " ".join(text.split())


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("seeds", [0, 1, 3])
def test_every_form_bears_few_runs_or_none(render, seeds):
    text = render(summarised(study(3), runs(seeds=seeds)))

    assert "Too few seeds" in text
    assert "None" not in text
    assert "nan" not in text


def test_terminal_lines_fit_a_hundred_columns_and_their_numbers_end_below_each_other():
    lines = render_table(summarised(study(arms=FIVE), runs(arms=FIVE))).splitlines()

    rows = [
        line for line in lines if re.match(r"(knowledge|shuffled|verbalized-context) +\d", line)
    ]
    assert max(map(len, lines)) <= 100
    assert len(rows) == 3
    assert len({line.index("]") for line in rows}) == 1


def test_an_interval_is_never_broken_over_two_lines():
    sentence = render_table(summarised(study(), runs())).partition("Knowledge helps")[2]

    assert re.findall(r"\[[^]]*\n[^]]*\]", sentence) == []


def test_warnings_and_missing_seeds_accompany_the_tables():
    results = summarised(study(7, warnings=["Label name 'fever' is in the graph."]), runs(seeds=6))

    text = render_table(results)

    assert "Warning: Label name 'fever' is in the graph." in text
    assert "1 of 7 seeds" in text


def test_markdown_escapes_what_would_break_a_table():
    arms = ("plain", "knowledge", "a|b*c")

    text = render_markdown(summarised(study(arms=arms), runs(arms=arms)))

    assert r"| a\|b\*c |" in text


def test_latex_escapes_names_and_writes_real_minus_signs():
    arms = ("plain", "knowledge", "100%_&{x}~\\")

    text = render_latex(summarised(study(arms=arms), runs(gain=-0.03, arms=arms)))

    assert r"100\%\_\&\{x\}\textasciitilde{}\textbackslash{}" in text
    assert "$-$3.0" in text
    assert text.count(r"\\") == 4
