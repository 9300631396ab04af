import numpy as np
import pytest

from kgbert.encoding.collation import batches_by_length
from kgbert.features.entity_features import encode_entities
from kgbert.linking.embedding.training import LinkerTrainingConfig
from kgbert.training.config import TrainingConfig
from kgbert.utils.checks import check_positive
from tests.support.errors import raises
from tests.support.tiny import tiny_graph

#: Functions of the public API that take a number of texts or names.
TAKES_BATCH_SIZE = {
    "predictions": lambda size: list(batches_by_length([3, 9, 4], size)),
    "features": lambda size: encode_entities(tiny_graph(), "nowhere", batch_size=size),
    "training": lambda size: TrainingConfig(batch_size=size),
    "training of a linker": lambda size: LinkerTrainingConfig(batch_size=size),
}


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("name", TAKES_BATCH_SIZE)
def test_a_batch_without_texts_is_refused(name, size):
    with raises("not-positive"):
        TAKES_BATCH_SIZE[name](size)


def test_a_number_of_numpy_is_accepted():
    check_positive(batch_size=np.int64(3))
