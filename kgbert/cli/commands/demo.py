"""kgbert demo: a comparison on real data."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import run_independently
from kgbert.cli.core.progress import ProgressReporter, add_quiet_argument


@run_independently
def demo(arguments: Namespace) -> None:
    """Code diagnoses with and without the tree of ICD-10-CM, and test whether it helps."""
    folder = arguments.output or Path(f"kgbert-demo-{arguments.size}")
    check_output(folder)
    reporter = ProgressReporter(quiet=arguments.quiet)
    reporter.message("loading torch and ICD-10-CM")
    # Imported here, so that --help does not load it.
    from kgbert.cli.core.checks import check_backbone

    if arguments.backbone:
        check_backbone(arguments.backbone)
    from kgbert.cli.core.results import print_result, resumable
    from kgbert.comparison.compare import run_and_report
    from kgbert.comparison.statistics.power import detectable_before
    from kgbert.demo.study import SIZES, demo_study
    from kgbert.utils.logging import silence_libraries

    size = SIZES[arguments.size]
    reporter.message(
        "texts are terms of diagnoses in ICD-10-CM, labels the titles of their categories, and the "
        "graph is the tree of codes without these terms"
    )
    reporter.message(
        f"{len(size.arms)} arms ({', '.join(size.arms)}) on {size.seeds} paired seeds, "
        f"{size.texts:,} training texts each; results go to {folder}"
    )
    silence_libraries()
    encoding = reporter.steps("encoding entities")
    study = demo_study(folder, size, backbone=arguments.backbone, progress=encoding)
    reporter.message(detectable_before(len(study.seeds)))
    with resumable(folder):
        result = run_and_report(study, reporter=reporter)
    print_result(result, folder)


def _add_arguments(parser: ArgumentParser) -> None:
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--full",
        dest="size",
        action="store_const",
        const="full",
        default="short",
        help="ten seeds, and two further rivals: about half an hour",
    )
    size.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const="quick",
        help="two tiny seeds, to check the installation; no verdict",
    )
    parser.add_argument(
        "--backbone", metavar="NAME", help="another encoder: a name on the hub or a folder"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="folder for the results (kgbert-demo-short)"
    )
    add_quiet_argument(parser)


DEMO = Command(demo, _add_arguments, example="kgbert demo")
