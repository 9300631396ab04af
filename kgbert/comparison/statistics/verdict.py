"""The verdict: fixed rules that map paired differences to an outcome and a sentence.

Knowledge *helps* if it beats the plain encoder and the control with the wrong knowledge, each at
p < 0.05. Both tests must reject, so no correction is needed (an intersection-union test). It
*hurts* if it is worse than plain at p < 0.05. Below six complete paired seeds no p can fall under
0.05, and the verdict is *too few seeds*. Everything else is *no evidence*.
"""

from dataclasses import dataclass, replace

from kgbert.comparison.statistics.power import ALPHA, seeds_needed, seeds_to_detect, smallest_p
from kgbert.comparison.statistics.sign_flip import PairedSummary
from kgbert.reporting.formatting import (
    arm_name,
    counted,
    interval,
    listing,
    metric_name,
    p_value,
    points,
)

HELPS = "helps"
HURTS = "hurts"
NO_EVIDENCE = "no evidence"
TOO_FEW = "too few seeds"

#: The gain in "to see a gain of 1 point".
WORTHWHILE = 0.01


@dataclass(frozen=True)
class Verdict:
    """The outcome by the rules, and its sentence.

    Attributes:
        outcome: "helps", "hurts", "no evidence" or "too few seeds".
        sentence: The outcome with the numbers that it is based on.
    """

    outcome: str
    sentence: str


@dataclass(frozen=True)
class Evidence:
    """The inputs of a verdict.

    Attributes:
        main: Name of the arm that is judged.
        baseline: Name of the arm without knowledge.
        control: Name of the arm with wrong knowledge; empty if none was run.
        metric: Name of the metric.
        over_baseline: Main minus baseline over the complete seeds; None without any.
        over_control: Main minus control over the same seeds; None without any.
        seeds: Number of requested seeds.
        seed_hint: Advice for the case of too few seeds.
        rival: Name of the best of the other arms; empty if none is better than main on average.
        rival_over_main: Rival minus main over the same seeds.
    """

    main: str
    baseline: str
    control: str
    metric: str
    over_baseline: PairedSummary | None
    over_control: PairedSummary | None
    seeds: int
    seed_hint: str = ""
    rival: str = ""
    rival_over_main: PairedSummary | None = None


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict of the rules for this evidence, and name a rival that is better."""
    verdict = _judge(evidence)
    rival = evidence.rival_over_main
    if rival is None:
        return verdict
    better = f"{points(rival.mean)} over {evidence.main} {interval(rival.interval)}".rstrip()
    named = f"The best arm is {evidence.rival}: {better}, p = {p_value(rival.p)}."
    return replace(verdict, sentence=f"{verdict.sentence} {named}")


def _judge(evidence: Evidence) -> Verdict:
    plain = evidence.over_baseline
    if plain is None or plain.count < seeds_needed():
        return Verdict(TOO_FEW, _too_few(evidence))
    if _worse(plain):
        return Verdict(HURTS, _hurts(evidence, plain))
    control = evidence.over_control
    if _better(plain) and control is not None and _better(control):
        return Verdict(HELPS, _helps(evidence, plain, control))
    return Verdict(NO_EVIDENCE, _no_evidence(evidence, plain))


def _better(summary: PairedSummary) -> bool:
    return summary.p < ALPHA and summary.mean > 0


def _worse(summary: PairedSummary) -> bool:
    return summary.p < ALPHA and summary.mean < 0


def _helps(evidence: Evidence, plain: PairedSummary, control: PairedSummary) -> str:
    return (
        f"{evidence.main.capitalize()} helps: {_gain(evidence, plain)} and "
        f"{points(control.mean)} over {arm_name(evidence.control)} {interval(control.interval)}; "
        f"better than {evidence.baseline} on {_of(plain.wins, plain.count)}."
    )


def _hurts(evidence: Evidence, plain: PairedSummary) -> str:
    return (
        f"{evidence.main.capitalize()} hurts: {points(plain.mean)} points of "
        f"{metric_name(evidence.metric)} against {evidence.baseline} {interval(plain.interval)}; "
        f"worse on {_of(plain.losses, plain.count)}."
    )


def _no_evidence(evidence: Evidence, plain: PairedSummary) -> str:
    if _better(plain):
        return _better_than_plain_only(evidence, plain)
    opening = f"No evidence that {_subject(evidence)} helps: "
    if plain.wins == plain.losses == 0:
        return (
            f"{opening}it gave the same {metric_name(evidence.metric)} as {evidence.baseline} on "
            f"all {plain.count} seeds. Either both are at the best possible score, or the texts "
            f"mention no entity (check with kgbert inspect GRAPH --texts FILE), or the training "
            f"was too short (use more epochs)."
        )
    control = evidence.over_control
    if control is not None and _better(control):
        opening = (
            f"{opening}it beats {arm_name(evidence.control)} ({points(control.mean)} "
            f"{interval(control.interval)}), so wrong knowledge hurts, but not "
            f"{evidence.baseline}: "
        )
    return f"{opening}{_gain(evidence, plain)}; {_outlook(plain)}."


def _better_than_plain_only(evidence: Evidence, plain: PairedSummary) -> str:
    opening = f"No evidence that {_subject(evidence)} itself helps: {_gain(evidence, plain)}, but "
    control, name = evidence.over_control, arm_name(evidence.control)
    if control is None:
        return (
            f"{opening}no control with wrong knowledge was run, so the gain may come from the "
            f"added parameters alone; add the arm 'shuffled'."
        )
    difference = f"{points(control.mean)} over them {interval(control.interval)}"
    if _worse(control):
        return f"{opening}{name} do even better ({difference})."
    return f"{opening}{name} may do as well ({difference}); {_outlook(control, ' over them')}."


def _outlook(summary: PairedSummary, over: str = "") -> str:
    """Return which gains the seeds rule out, or how many seeds would detect a relevant gain."""
    if summary.interval is not None and summary.interval[1] < WORTHWHILE:
        return f"a gain of 1 point or more{over} is ruled out (at 95 %)"
    needed = seeds_to_detect(WORTHWHILE, summary.sd or 0.0)
    if needed <= summary.count:
        return f"{summary.count} seeds would show most gains of 1 point{over}"
    return f"to see a gain of 1 point{over} you would need about {needed} seeds"


def _too_few(evidence: Evidence) -> str:
    count = evidence.over_baseline.count if evidence.over_baseline else 0
    needed = seeds_needed()
    sentence = f"Too few seeds for a verdict: {count} complete, {needed} needed"
    compared = [
        (evidence.baseline, evidence.over_baseline),
        (evidence.control, evidence.over_control),
    ]
    gains = [f"{points(gain.mean)} over {arm_name(arm)}" for arm, gain in compared if gain]
    if gains:
        sentence += (
            f" (so far {listing(gains)}, in points of {metric_name(evidence.metric)}; with "
            f"{counted(count, 'seed')} p cannot fall below {smallest_p(count):.3g})"
        )
    if evidence.seeds >= needed:
        return f"{sentence}. Run the same command again to fill in the missing ones."
    return f"{sentence}. {evidence.seed_hint}".rstrip()


def _subject(evidence: Evidence) -> str:
    return "the knowledge" if evidence.main == "knowledge" else f"the arm {evidence.main!r}"


def _gain(evidence: Evidence, plain: PairedSummary) -> str:
    return (
        f"{points(plain.mean)} points of {metric_name(evidence.metric)} over "
        f"{evidence.baseline} {interval(plain.interval)}"
    )


def _of(count: int, total: int) -> str:
    return f"{count} of {counted(total, 'seed')}"
