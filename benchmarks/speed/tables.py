"""Tables of the speed, data-parallel and large-graph benchmarks."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.rendering.markdown import table, versions_of
from kgbert.reporting.formatting import counted, score

Results = dict[str, Any]

PEAK = "peak memory, GiB"
WAITED = "share of training's time that waits for two workers"
DISTANCE = "distance of logits"
SINGLE = "inference, float32"

#: Where ``speed.run`` measures, by the name of its result file.
PLACES = {
    "speed_cpu": "a CPU",
    "speed_cpu_synthetic": "a CPU with long texts",
    "speed_cuda": "a GPU",
}


def costs(results_by_place: dict[str, Results | None]) -> str:
    """Return the cost of each arm relative to the plain encoder, and how it was measured."""
    sentences = [
        _circumstances(results) if results else f"Nothing was measured on {PLACES[where]}."
        for where, results in results_by_place.items()
    ]
    return "\n\n".join([cost_table(results_by_place), *sentences])


def cost_table(results_by_place: dict[str, Results | None]) -> str:
    """Return each arm's throughput relative to the plain encoder, by place."""
    columns = {
        "training, CPU": ("speed_cpu", "training, by processor time"),
        "inference, CPU": ("speed_cpu", "inference, by processor time"),
        "inference, CPU, float32": ("speed_cpu", f"{SINGLE}, by processor time"),
        "training, CPU, long texts": ("speed_cpu_synthetic", "training, by processor time"),
        "inference, CPU, long texts": ("speed_cpu_synthetic", "inference, by processor time"),
        "training, GPU": ("speed_cuda", "training, by the clock"),
        "inference, GPU": ("speed_cuda", "inference, by the clock"),
        "peak GPU memory": ("speed_cuda", "peak memory"),
    }
    arms = {
        name: {arm["arm"]: arm for arm in results["arms"]} if results else {}
        for name, results in results_by_place.items()
    }
    rows = [
        (arm, *(_cost(arms[where].get(arm), what) for where, what in columns.values()))
        for arm in dict.fromkeys(name for each in arms.values() for name in each)
    ]
    return table(("arm", *columns), rows)


def _cost(arm: Results | None, what: str) -> str:
    """Return a ratio, or nothing where there is none (precomputed arms are not trained)."""
    if arm is None:
        return "not measured"
    return f"{arm[what]:.2f}" if what in arm else ""


def _circumstances(results: Results) -> str:
    """Return the setting and machine of a measurement, and all figures that concern no arm."""
    hardware, versions = results["hardware"], results["versions"]
    threads = counted(hardware["threads"], "thread")
    machine = f"{hardware['processor']}, {threads}, load {hardware['load']}"
    on_cpu = hardware["accelerator"] == "none"
    sentences = [
        f"{results['setting']}; {machine if on_cpu else hardware['accelerator']}, torch "
        f"{versions['torch']}, transformers {versions['transformers']}, "
        f"{results['finished'][:10]}."
    ]
    if WAITED in results:
        sentences.append(
            f"Training spends {results[WAITED]:.1%} of its time waiting for two loader workers."
        )
    peaks = [f"{x['arm']} {x[PEAK]}" for x in results["arms"] if PEAK in x]
    if peaks:
        sentences.append(f"Peak memory of a training process, GiB: {', '.join(peaks)}.")
    if distances := results.get(DISTANCE):
        ways = ", ".join(f"{name} {far['found']:.0e}" for name, far in distances.items())
        sentences.append(
            f"Relative deviation of the logits from the reference computation: {ways}."
        )
    if sizes := results.get("graph sizes"):
        sentences.append(_graph_sizes(*sizes, clock="processor time" if on_cpu else "the clock"))
    seconds = ", ".join(f"`{name}` {value:.2f}" for name, value in results["start-up"].items())
    return " ".join([*sentences, f"Start-up in processor seconds: {seconds}."])


def _graph_sizes(small: Results, large: Results, *, clock: str) -> str:
    """Return the effect of the graph's size on a training step and its memory."""
    ratio = large[f"training, by {clock}"]
    sentences = f"Training throughput with {large['arm']} over {small['arm']}: {ratio:.2f}"
    if "peak memory" in large:
        sentences += (
            f"; peak memory relative to plain: {large['peak memory']} and {small['peak memory']}"
        )
    return f"{sentences}."


def scaling(results: Results) -> str:
    """Return the throughput of several processes, with and without knowledge."""
    columns = ("texts a second, one process", "texts a second", "of what nothing lost would give")
    rows = [(arm["arm"], *(f"{arm[column]:g}" for column in columns)) for arm in results["arms"]]
    hardware = results["hardware"]
    on_cpu = hardware["accelerator"] == "none"
    machine = f"{hardware['processor' if on_cpu else 'accelerator']}, load {hardware['load']}"
    shown = (
        "arm",
        "texts per second, one process",
        f"{results['processes']} processes",
        "scaling efficiency",
    )
    return "\n\n".join(
        [
            table(shown, rows),
            f"{results['setting']}; {machine}, torch {results['versions']['torch']}, "
            f"{results['finished'][:10]}.",
        ]
    )


def scale(results: Results) -> str:
    """Return the cost of a large graph, and of a training step compared with a small graph."""
    columns = {
        "nodes": "sampled nodes",
        "padding and sampling, ms": "loader, ms of the processor",
        "training step, ms": "training, ms of the processor",
        "throughput by processor time": "training, by processor time",
        "own memory, GiB": "own memory, GiB",
    }
    shown = {name: what for name, what in columns.items() if what in results["arms"][0]}
    rows = [
        (arm["arm"], *(f"{arm[what]:,.6g}" for what in shown.values())) for arm in results["arms"]
    ]
    once = ", ".join(f"{name} {x:g}" for name, x in results["seconds of the processor"].items())
    making = results.get("peak memory of making, GiB")
    written = f"; {making} GiB while the files are written" if making else ""
    return "\n\n".join(
        [
            table(("graph", *shown), rows),
            f"{results['entities']:,} entities and {results['edges']:,} edges; peak memory "
            f"{results['peak memory, GiB']} GiB, in which {results['mapped files, GiB']} GiB of "
            f"mapped files may be included{written}. "
            f"One-time costs in processor seconds: {once}. Measured on {results['machine']}, torch "
            f"{results['torch']}.",
        ]
    )


def distillation_table(results: Results) -> str:
    """Return score, size and speed of teacher, plain model and students, and the gain they keep."""
    runs = [run["models"] for run in results["runs"]]
    means = {name: fmean(run[name]["score"] for run in runs) for name in runs[0]}
    gain = means["teacher"] - means["plain"]
    rows = [
        (
            name,
            score(mean),
            "" if name in ("teacher", "plain") else f"{(mean - means['plain']) / gain:.0%}",
            _mean_of(runs, name, "mb", "{:.0f}"),
            _mean_of(runs, name, "speed", "{:.1f}"),
            *(score(run[name]["score"]) for run in runs),
        )
        for name, mean in means.items()
    ]
    seeds = (f"seed {run['seed']}" for run in results["runs"])
    header = ("model", results["metric"], "of the gain", "MB", "speed", *seeds)
    return (
        f"{table(header, rows)}\n\n{results['texts']:,} texts without labels; encoder "
        f"{results['encoder']}; {versions_of(results)}, {results['finished'][:10]}."
    )


def _mean_of(runs: Sequence[Results], name: str, quantity: str, form: str) -> str:
    values = [run[name][quantity] for run in runs if quantity in run[name]]
    return form.format(fmean(values)) if values else ""


def deployment_table(results: Results) -> str:
    """Return speed, size and score of a model in PyTorch and exported, and the runtime's start."""
    rows = [
        (
            name,
            f"{median(results['throughput'][name]):,.0f}",
            f"{results['throughput_ratio'][name]:.2f}",
            f"{results['latency_ms'][name]['median']:.1f}",
            f"{results['latency_ms'][name]['p95']:.1f}",
            f"{results['mb'][name]:.0f}" if name in results["mb"] else "",
            f"{results['first_answer'][name]['peak_mib']:,}",
            score(results["score"][name]),
        )
        for name in results["throughput"]
    ]
    header = (
        "form",
        "texts a second",
        "relative",
        "30 words, ms",
        "95th percentile",
        "MB",
        "memory, MiB",
        results["metric"],
    )
    start = results["start"]["kgbert.runtime"]
    return (
        f"{table(header, rows)}\n\n`import kgbert.runtime` takes {start['cpu_seconds']:.2f} s of "
        f"processor time and {start['peak_mib']} MiB. {results['texts']} test terms; "
        f"{results['hardware']['processor']}, {results['hardware']['threads']} thread, "
        f"{versions_of(results)}, {results['finished'][:10]}."
    )
