from argparse import Namespace

import pytest

from kgbert.cli.options.texts import columns_of, records_of


def rows(text, **options):
    return [record.values for record in records_of(Namespace(text=text, **options))]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('{"text": "fever", "text_pair": "cough"}', {"text": "fever", "text_pair": "cough"}),
        ("{not JSON}", {"text": "{not JSON}"}),
        ("a fever", {"text": "a fever"}),
    ],
)
def test_an_argument_is_a_text_or_a_json_object(text, row):
    assert rows(text) == [row]


def test_columns_are_named_by_options_of_their_own_or_by_role():
    arguments = Namespace(text_column="sentence", label_column="y", column=[("id", "nr")])

    assert columns_of(arguments) == {"text": "sentence", "label": "y", "id": "nr"}
