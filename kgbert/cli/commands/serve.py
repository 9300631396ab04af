"""kgbert serve: answer texts over HTTP."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from kgbert.cli.core.argument_types import positive
from kgbert.cli.core.checks import check_model
from kgbert.cli.core.command import Command
from kgbert.cli.core.progress import add_quiet_argument
from kgbert.cli.options.graph import graph_of
from kgbert.cli.options.model import add_model_graph_arguments, pipeline_of
from kgbert.utils.errors import KGBertError
from kgbert.utils.hub import local_folder
from kgbert.utils.paths import RUNTIME_FILE


def serve(arguments: Namespace) -> None:
    """Serve a trained or exported model over HTTP, with a page to try it."""
    folder = local_folder(arguments.model)
    is_exported = (folder / RUNTIME_FILE).exists()
    if not is_exported:
        check_model(arguments.model)
    try:
        from kgbert.deployment.server import ServerLimits
        from kgbert.deployment.server import serve as serve_model
    except ImportError as error:
        raise KGBertError(
            f"serving needs the package {error.name}, which is not installed; type "
            "pip install 'kgbert[serve]'.",
            code="missing-package",
        ) from error
    model = _loaded(folder, arguments, is_exported=is_exported)
    limits = ServerLimits(
        max_texts=arguments.max_texts,
        timeout=arguments.timeout,
        batch_size=arguments.batch_size,
    )
    print(f"http://{arguments.host}:{arguments.port}  (stop with Ctrl-C)", flush=True)
    serve_model(model, host=arguments.host, port=arguments.port, limits=limits)


def _loaded(folder: Path, arguments: Namespace, *, is_exported: bool) -> Any:
    if is_exported:
        from kgbert.runtime import load

        return load(folder, graph=graph_of(arguments) if arguments.graph else None)
    return pipeline_of(arguments)


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="folder of a model that train, compare, demo or export wrote",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (127.0.0.1, for this machine only)",
    )
    parser.add_argument("--port", type=positive, default=8000, metavar="N", help="port (8000)")
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=32,
        metavar="N",
        help="texts of all clients that are computed together (32)",
    )
    parser.add_argument(
        "--max-texts", type=positive, default=64, metavar="N", help="texts of a request (64)"
    )
    parser.add_argument(
        "--timeout",
        type=positive,
        default=30,
        metavar="SECONDS",
        help="time after which a request is given up (30)",
    )
    add_model_graph_arguments(parser)
    add_quiet_argument(parser)


SERVE = Command(serve, _add_arguments, example="kgbert serve kgbert-model --port 8000")
