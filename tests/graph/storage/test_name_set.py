from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.storage.name_set import NameSet
from kgbert.graph.storage.string_pool import StringPool

owners = st.sampled_from("abcd")
languages = st.sampled_from(["", "en", "de"])
lists = st.lists(
    st.tuples(owners, st.integers(0, 4), languages, st.sampled_from(["x", "y", "z"])), max_size=30
)


def names_of(listed, terms=None):
    names = NameSet(StringPool() if terms is None else terms)
    for name in listed:
        names.add(*name)
    return names


@given(listed=lists)
def test_names_are_a_set(listed):
    names = names_of(listed)

    assert sorted(names) == sorted(set(listed))
    assert names.owners() == {owner for owner, *_ in listed}
    assert names.languages() == {language for *_, language, _ in listed}


@given(listed=lists, wanted=st.sets(languages), known=st.sets(owners))
def test_what_is_not_wanted_is_removed(listed, wanted, known):
    in_languages, of_owners = names_of(listed), names_of(listed)

    in_languages.keep_languages(wanted)
    of_owners.keep_owners(of_owners.terms.mask_of(known))

    assert set(in_languages) == {name for name in listed if name[2] in wanted}
    assert set(of_owners) == {name for name in listed if name[0] in known}
    assert set(names_of(listed).of(known)) == set(of_owners)


@given(texts=st.lists(st.text(alphabet="ab \n", max_size=4), max_size=8))
def test_names_added_together_are_those_added_one_by_one(texts):
    together = NameSet(StringPool())
    owners = together.terms.numbers([str(place) for place in range(len(texts))])
    together.extend(owners, together.kind(1, "en"), texts)

    one_by_one = names_of([(str(place), 1, "en", text) for place, text in enumerate(texts)])

    assert sorted(together) == sorted(one_by_one)


@given(listed=lists, more=lists)
def test_names_move_to_other_terms(listed, more):
    names = names_of(more)
    names.take_over(names_of(listed))

    assert sorted(names) == sorted({*listed, *more})


@given(listed=lists)
def test_columns_are_in_the_order_of_a_graph(listed):
    names = names_of(listed)
    ids = sorted(names.owners())

    columns = names.columns(names.terms.places(ids))

    rows = rows_of(columns, ids)
    order = {language: position for position, language in enumerate(columns.languages)}
    assert columns.languages[0] == ""
    assert rows == sorted(
        with_one_preferred(listed), key=lambda name: (*name[:2], order[name[2]], name[3])
    )


def rows_of(columns, ids):
    return [
        (ids[owner], scope, columns.languages[language], text)
        for owner, scope, language, text in zip(
            columns.owners, columns.scopes, columns.language_indices, columns.texts, strict=True
        )
    ]


def with_one_preferred(names):
    """Return names of which the first preferred one of an owner and language stays so."""
    first = {}
    for owner, scope, language, text in names:
        if scope == 0:
            first.setdefault((owner, language), text)
    return {
        (owner, 1 if scope == 0 and first[owner, language] != text else scope, language, text)
        for owner, scope, language, text in names
    }


@given(first=lists, second=lists, obsolete=st.sets(owners), wanted=st.sets(languages))
def test_the_first_preferred_name_is_kept_through_moves_and_removals(
    first, second, obsolete, wanted
):
    names, others = names_of(first), names_of(second)
    names.take_over(others)
    names.keep_languages(wanted)
    ids = sorted(names.owners() - obsolete)

    columns = names.columns(names.terms.places(ids))

    kept = [name for name in first + second if name[0] in ids and name[2] in wanted]
    assert set(rows_of(columns, ids)) == with_one_preferred(kept)


def test_a_preferred_name_of_a_lesser_rank_comes_first():
    names = NameSet(StringPool())
    owner = names.terms.numbers(["a"])
    names.extend(owner, names.kind(0, "en"), ["later"], rank=2)
    names.extend(owner, names.kind(0, "en"), ["earlier"], rank=1)

    columns = names.columns(names.terms.places(["a"]))

    assert rows_of(columns, ["a"]) == [("a", 0, "en", "earlier"), ("a", 1, "en", "later")]
