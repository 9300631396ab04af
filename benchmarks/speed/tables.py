"""The tables of speed.py, scaling.py and scale.py: what knowledge costs, and a large graph."""

from typing import Any

from benchmarks.rendering.markdown import table
from kgbert.reporting.formatting import counted

Results = dict[str, Any]

PEAK = "peak memory, GiB"
WAITED = "share of training's time that waits for two workers"
DISTANCE = "distance of logits"
SINGLE = "inference, float32"

#: What speed.py measures, by the name of its results.
PLACES = {
    "speed_cpu": "a CPU",
    "speed_cpu_invented": "a CPU with long texts",
    "speed_cuda": "a GPU",
}


def costs(found: dict[str, Results | None]) -> str:
    """Return what each arm costs beside the plain encoder, and how that was measured."""
    told = [
        _circumstances(results) if results else f"Nothing was measured on {PLACES[where]}."
        for where, results in found.items()
    ]
    return "\n\n".join([cost_table(found), *told])


def cost_table(found: dict[str, Results | None]) -> str:
    """Return each arm's throughput over the plain encoder's, by where it was measured."""
    columns = {
        "training, CPU": ("speed_cpu", "training, by processor time"),
        "inference, CPU": ("speed_cpu", "inference, by processor time"),
        "inference, CPU, float32": ("speed_cpu", f"{SINGLE}, by processor time"),
        "training, CPU, long texts": ("speed_cpu_invented", "training, by processor time"),
        "inference, CPU, long texts": ("speed_cpu_invented", "inference, by processor time"),
        "training, GPU": ("speed_cuda", "training, by the clock"),
        "inference, GPU": ("speed_cuda", "inference, by the clock"),
        "peak GPU memory": ("speed_cuda", "peak memory"),
    }
    arms = {
        name: {arm["arm"]: arm for arm in results["arms"]} if results else {}
        for name, results in found.items()
    }
    rows = [
        (arm, *(_cost(arms[where].get(arm), what) for where, what in columns.values()))
        for arm in dict.fromkeys(name for each in arms.values() for name in each)
    ]
    return table(("arm", *columns), rows)


def _cost(arm: Results | None, what: str) -> str:
    """Return a ratio; nothing where there is none, as for the training of what is looked up."""
    if arm is None:
        return "not measured"
    return f"{arm[what]:.2f}" if what in arm else ""


def _circumstances(results: Results) -> str:
    """Return what was measured on what, and all there is to say beside each arm's throughput."""
    hardware, versions = results["hardware"], results["versions"]
    threads = counted(hardware["threads"], "thread")
    machine = f"{hardware['processor']}, {threads}, load {hardware['load']}"
    on_cpu = hardware["accelerator"] == "none"
    told = [
        f"{results['setting']}; {machine if on_cpu else hardware['accelerator']}, torch "
        f"{versions['torch']}, transformers {versions['transformers']}, "
        f"{results['finished'][:10]}."
    ]
    if WAITED in results:
        told.append(f"Training waits {results[WAITED]:.1%} of its time for two loader workers.")
    peaks = [f"{x['arm']} {x[PEAK]}" for x in results["arms"] if PEAK in x]
    if peaks:
        told.append(f"Peak memory of a process that only trains, GiB: {', '.join(peaks)}.")
    if distances := results.get(DISTANCE):
        ways = ", ".join(f"{name} {far['found']:.0e}" for name, far in distances.items())
        told.append(f"Logits lie apart from the plainest way's, of their size: {ways}.")
    if sizes := results.get("graph sizes"):
        told.append(_graph_sizes(*sizes, clock="processor time" if on_cpu else "the clock"))
    seconds = ", ".join(f"`{name}` {value:.2f}" for name, value in results["start-up"].items())
    return " ".join([*told, f"Start-up, seconds of the processor: {seconds}."])


def _graph_sizes(small: Results, large: Results, *, clock: str) -> str:
    """Return the effect of the graph's size on a step of training, and on its memory."""
    ratio = large[f"training, by {clock}"]
    told = f"Throughput of training with {large['arm']} over {small['arm']}: {ratio:.2f}"
    if "peak memory" in large:
        told += f"; peak memory, of plain's: {large['peak memory']} and {small['peak memory']}"
    return f"{told}."


def scaling(results: Results) -> str:
    """Return what more processes bring, with knowledge and without."""
    columns = ("texts a second, one process", "texts a second", "of what nothing lost would give")
    rows = [(arm["arm"], *(f"{arm[column]:g}" for column in columns)) for arm in results["arms"]]
    hardware = results["hardware"]
    on_cpu = hardware["accelerator"] == "none"
    machine = f"{hardware['processor' if on_cpu else 'accelerator']}, load {hardware['load']}"
    shown = ("arm", columns[0], f"{results['processes']} processes", columns[2])
    return "\n\n".join(
        [
            table(shown, rows),
            f"{results['setting']}; {machine}, torch {results['versions']['torch']}, "
            f"{results['finished'][:10]}.",
        ]
    )


def scale(results: Results) -> str:
    """Return what a large graph needs, and what a step costs beside a small one."""
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
    return "\n\n".join(
        [
            table(("graph", *shown), rows),
            f"{results['entities']:,} entities and {results['edges']:,} edges; peak memory "
            f"{results['peak memory, GiB']} GiB, in which {results['mapped files, GiB']} GiB of "
            f"mapped files may count{f'; {making} GiB while they are made' if making else ''}. "
            f"Once, in seconds of the processor: {once}. Measured on {results['machine']}, torch "
            f"{results['torch']}.",
        ]
    )
