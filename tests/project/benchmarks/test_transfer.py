"""The tables of the transfer benchmark."""

from benchmarks.transfer.tables import asked_table, curve_table, transfer_tables

SCORES = {"plain": 0.2, "plain-source": 0.5, "knowledge": 0.3, "knowledge-source": 0.25}


def results():
    runs = [
        {"seed": seed, "size": size, "arm": arm, "score": score + seed / 100, "on the source": None}
        for seed in range(6)
        for size in (20, 80)
        for arm, score in SCORES.items()
    ]
    asked = [
        {"seed": seed, "texts": "source", "graph": graph, "score": score + seed / 100}
        for seed in range(6)
        for graph, score in (("source", 0.6), ("target", 0.4), ("none", 0.6))
    ]
    return {
        "title": "A to B",
        "metric": "F1",
        "source metric": "F1",
        "source sizes": [120, 24, 200],
        "target sizes": [20, 200],
        "encoder": "tiny",
        "graphs": {"source": {"entities": 1_000, "texts with a mention": {"source": 0.5}}},
        "versions": {"torch": "2.0"},
        "hardware": {"processor": "2 x z80"},
        "finished": "2026-01-02T03:04:05+0000",
        "asked": asked,
        "runs": runs,
    }


def test_a_start_is_compared_with_the_arm_without_it_on_the_same_seeds():
    lines = curve_table(results()).splitlines()

    assert "| 20 | plain-source | 52.5 | +30.0 [30.0, 30.0] | 0.031 | 6 |" in lines
    assert "| 80 | knowledge-source | 27.5 | -5.0 [-5.0, -5.0] | 0.031 | 6 |" in lines


def test_an_unfinished_seed_counts_only_where_both_arms_have_it():
    unfinished = results()
    unfinished["runs"] = unfinished["runs"][:-1]

    lines = curve_table(unfinished).splitlines()

    assert any(x.startswith("| 80 | knowledge-source |") and x.endswith("| 5 |") for x in lines)


def test_another_graph_is_compared_with_the_own_one():
    lines = asked_table(results()).splitlines()

    assert "| source | target | 42.5 | -20.0 [-20.0, -20.0] | 0.031 | 6 |" in lines
    assert "| source | none | 62.5 | 0.0 [0.0, 0.0] | 1.000 | 6 |" in lines


def test_what_was_forgotten_is_stated():
    forgetful = results()
    for row in forgetful["runs"]:
        if row["size"] == 80 and row["arm"].endswith("-source"):
            row["on the source"] = 0.3 + row["seed"] / 100

    page = transfer_tables({"pair": forgetful})

    assert "42.5 before training in the target, and after 80 texts of it: " in page
    assert "plain-source 32.5 (-10.0 [-10.0, -10.0], p = 0.031)" in page
    assert "before training" not in transfer_tables({"pair": results()})
