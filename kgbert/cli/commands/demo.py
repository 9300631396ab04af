"""kgbert demo: the main job on real data."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.cli.core.checks import check_output
from kgbert.cli.core.command import Command
from kgbert.cli.core.distributed import each_alone


@each_alone
def demo(arguments: Namespace) -> None:
    """Classify diagnoses with and without the Human Phenotype Ontology: does it help?"""
    folder = arguments.output or Path(f"kgbert-demo-{arguments.size}")
    check_output(folder)
    print("loading torch and the graph", flush=True)
    # Imported here, so that `kgbert --help` waits for none of it.
    from kgbert.cli.core.checks import check_backbone

    if arguments.backbone:
        check_backbone(arguments.backbone)
    from kgbert.cli.core.progress import ShowProgress
    from kgbert.cli.core.results import compare_and_show
    from kgbert.demo.study import SIZES, demo_study
    from kgbert.utils.logging import silence_libraries

    size = SIZES[arguments.size]
    print(
        f"{len(size.arms)} arms ({', '.join(size.arms)}) on {size.seeds} paired seeds, "
        f"{size.texts:,} training texts each; results go to {folder}",
        flush=True,
    )
    silence_libraries()
    compare_and_show(
        demo_study(
            folder, size, backbone=arguments.backbone, progress=ShowProgress("encoding entities:")
        )
    )


def _add_arguments(parser: ArgumentParser) -> None:
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--full",
        dest="size",
        action="store_const",
        const="full",
        default="short",
        help="1,000 training texts, ten seeds, and the arm verbalized-context: some hours",
    )
    size.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const="quick",
        help="two tiny seeds, to see that everything is installed; no verdict",
    )
    parser.add_argument(
        "--backbone", metavar="NAME", help="another encoder: a name on the hub, or a folder"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where results go (kgbert-demo-short)"
    )


DEMO = Command(demo, _add_arguments, example="kgbert demo")
