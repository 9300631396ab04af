from importlib.util import find_spec

import pytest

from kgbert.data import Example
from kgbert.demo.icd import (
    TEST_TERMS,
    VALIDATION_TERMS,
    TermSplits,
    inclusion_terms,
    sampled_categories,
    titled,
    titles,
    tree,
)
from kgbert.demo.study import SIZES

needs_icd = pytest.mark.skipif(
    not find_spec("simple_icd_10_cm"), reason="the package simple-icd-10-cm is not installed"
)


@pytest.fixture
def splits():
    """Return splits of three categories with eight, twelve and thirty terms."""
    terms = [
        Example(f"term {number} of {label}", label)
        for label, count in (("A", 8), ("B", 12), ("C", 30))
        for number in range(count)
    ]
    return TermSplits(terms, train=4)


@pytest.fixture(scope="module")
def terms():
    return inclusion_terms()


@pytest.mark.parametrize("seed", range(5))
def test_no_term_is_in_two_parts(splits, seed):
    train, validation, test = ({x.text for x in part} for part in splits(seed).parts())

    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)


def test_each_category_has_equally_many_training_terms_and_limited_test_terms(splits):
    train, validation, test = ([x.target for x in part] for part in splits(0).parts())

    assert [train.count(label) for label in "ABC"] == [4, 4, 4]
    assert [validation.count(label) for label in "ABC"] == [VALIDATION_TERMS] * 3
    assert [test.count(label) for label in "ABC"] == [2, TEST_TERMS, TEST_TERMS]


def test_a_seed_draws_the_same_terms_again_and_another_seed_others(splits):
    assert splits(3).hash == splits(3).hash
    assert splits(3).hash != splits(4).hash


@needs_icd
def test_no_two_terms_are_equal(terms):
    assert len(terms) > 10_000
    assert len({x.text.casefold() for x in terms}) == len(terms)


@needs_icd
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_graph_has_every_label_as_entity_and_no_text_as_name(terms, size):
    codes = sampled_categories(terms, size.categories, train=size.terms)

    graph = tree(codes)
    texts = {x.text.casefold() for x in titled(terms, codes)}
    names = {name.text for entity in graph.entity_ids for name in graph.entity(entity).names}
    assert len(codes) == size.categories
    assert {graph.name(graph.index(code)) for code in codes} == set(titles(codes).values())
    assert texts.isdisjoint(name.casefold() for name in names)


@needs_icd
def test_every_code_of_the_tree_is_below_a_category():
    graph = tree(["E11", "I10"])

    assert {entity[:3] for entity in graph.entity_ids} == {"E11", "I10"}
    assert graph.entity("E11.65").edges == (("rdfs:subClassOf", "E11.6"),)
    assert graph.entity("I10").edges == ()
