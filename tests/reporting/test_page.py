from kgbert.reporting.page import typeset


def test_minus_signs_are_typeset_and_hyphens_and_options_are_not():
    assert typeset("-0.4 points, macro-F1, --seeds 6, 2026-11-22, covid-19") == (
        "−0.4 points, macro-F1, --seeds 6, 2026-11-22, covid-19"
    )
