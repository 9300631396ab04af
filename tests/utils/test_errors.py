import pickle

import pytest

from kgbert.utils.errors import DataError, KGBertError, Remedy


@pytest.mark.parametrize("kind", [KGBertError, DataError])
def test_an_error_crosses_the_border_of_a_process_with_code_and_remedies(kind):
    error = kind("no column 'text'.", code="missing-column", remedies=[Remedy("hops", 2)])

    copied = pickle.loads(pickle.dumps(error))

    assert type(copied) is kind
    assert (str(copied), copied.code) == (str(error), "missing-column")
    assert copied.on_command_line() == error.on_command_line()
