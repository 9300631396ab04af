"""Format numbers and names, consistently in all tables, sentences and plots."""

from collections.abc import Sequence

from kgbert.reporting.svg import Number


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is one.

    >>> counted(1, "edge"), counted(2000, "edge"), counted(0, "entity"), counted(1, "entity")
    ('1 edge', '2,000 edges', '0 entities', '1 entity')
    """
    if number == 1:
        return f"1 {noun}"
    return (
        f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number:,} {noun}s"
    )


#: Display names of metrics that are no English words.
METRICS = {
    "argument_f1": "argument F1",
    "bleu": "BLEU",
    "chrf": "chrF",
    "event_f1": "event F1",
    "event_f1_approximate": "event F1, approximate spans",
    "f1": "F1",
    "macro_f1": "macro-F1",
    "mae": "MAE",
    "micro_f1": "micro-F1",
    "nil_f1": "NIL F1",
    "nil_precision": "NIL precision",
    "nil_recall": "NIL recall",
    "pearson": "Pearson correlation",
    "r_precision": "R-precision",
    "rmse": "RMSE",
    "rouge_l": "ROUGE-L",
    "spearman": "Spearman correlation",
    "trigger_f1": "trigger F1",
}
ARMS = {"shuffled": "shuffled entities"}

Interval = Sequence[Number] | None


def metric_name(metric: str) -> str:
    """Return the display name of a metric.

    >>> metric_name("macro_f1")
    'macro-F1'
    """
    return METRICS.get(metric, metric.replace("_", " "))


def arm_name(arm: str) -> str:
    """Return the name of an arm inside a sentence.

    >>> arm_name("shuffled"), arm_name("plain")
    ('shuffled entities', 'plain')
    """
    return ARMS.get(arm, arm)


def points(difference: Number, *, digits: int = 1) -> str:
    """Return a difference between two scores in signed points (hundredths).

    >>> points(0.0312), points(-0.0004), points(-0.0004, digits=2)
    ('+3.1', '0.0', '-0.04')
    """
    text = f"{100 * difference:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def interval(limits: Interval) -> str:
    """Return an interval of differences in points; an empty string for None.

    A non-zero limit never prints as zero, so that an interval above 0 is recognisable.

    >>> interval((-0.0061, 0.0149)), interval((0.0004, 0.021)), interval(None)
    ('[-0.6, 1.5]', '[0.04, 2.10]', '')
    """
    if limits is None:
        return ""
    digits = 2 if any(limit and abs(limit) < 0.0005 for limit in limits) else 1
    low, high = (points(limit, digits=digits).lstrip("+") for limit in limits)
    return f"[{low}, {high}]"


def p_value(p: Number) -> str:
    """Return a p-value with three decimals, or more where rounding would reach 0.05.

    >>> p_value(0.03125), p_value(0.0498), p_value(0.0001)
    ('0.031', '0.0498', '<0.001')
    """
    if p < 0.001:
        return "<0.001"
    return f"{p:.4f}" if f"{p:.3f}" == "0.050" else f"{p:.3f}"


def score(value: Number) -> str:
    """Return a score in hundredths.

    >>> score(0.6312)
    '63.1'
    """
    return f"{100 * value:.1f}"


def duration(seconds: Number) -> str:
    """Return a duration in suitable units.

    >>> duration(2.04), duration(31.2), duration(754), duration(7330)
    ('2.0 s', '31 s', '12 min 34 s', '2 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def quantity(number: Number) -> str:
    """Return a large number in thousands or millions.

    >>> quantity(23_100_000), quantity(812_000), quantity(0), quantity(3_400)
    ('23.1 M', '812 k', '0', '3,400')
    """
    if number >= 999_500:
        return f"{number / 1e6:.1f} M"
    if number >= 10_000:
        return f"{number / 1e3:.0f} k"
    return f"{number:,.0f}"


def memory(mib: Number) -> str:
    """Return a number of mebibytes in suitable units.

    >>> memory(900), memory(1_640)
    ('900 MiB', '1.6 GiB')
    """
    return f"{mib / 1024:.1f} GiB" if mib >= 1000 else f"{mib:.0f} MiB"


def listing(names: Sequence[str]) -> str:
    """Return names as an enumeration in a sentence.

    >>> listing(["plain"]), listing(["plain", "knowledge", "shuffled"])
    ('plain', 'plain, knowledge and shuffled')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
