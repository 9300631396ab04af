"""The commands of the command line. To add one, write a module in ``commands`` and a line here."""

from kgbert.cli.commands.compare import COMPARE
from kgbert.cli.commands.demo import DEMO
from kgbert.cli.commands.distil import DISTIL
from kgbert.cli.commands.evaluate import EVALUATE
from kgbert.cli.commands.explain import EXPLAIN
from kgbert.cli.commands.export import EXPORT
from kgbert.cli.commands.graphs import GRAPHS
from kgbert.cli.commands.inspect import INSPECT
from kgbert.cli.commands.link import LINK
from kgbert.cli.commands.predict import PREDICT
from kgbert.cli.commands.pretrain import PRETRAIN
from kgbert.cli.commands.serve import SERVE
from kgbert.cli.commands.train import TRAIN
from kgbert.cli.commands.train_linker import TRAIN_LINKER
from kgbert.cli.commands.tune import TUNE
from kgbert.cli.core.command import Command

#: The commands by name.
COMMANDS: dict[str, Command] = {
    "demo": DEMO,
    "graphs": GRAPHS,
    "inspect": INSPECT,
    "link": LINK,
    "pretrain": PRETRAIN,
    "train": TRAIN,
    "train-linker": TRAIN_LINKER,
    "compare": COMPARE,
    "tune": TUNE,
    "predict": PREDICT,
    "evaluate": EVALUATE,
    "explain": EXPLAIN,
    "distil": DISTIL,
    "export": EXPORT,
    "serve": SERVE,
}
