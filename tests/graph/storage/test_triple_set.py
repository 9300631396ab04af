from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.storage import row_set as module
from kgbert.graph.storage.triple_set import TripleSet

ends = st.sampled_from("abcde")
relations = st.sampled_from(["knows", "likes", "is"])
lists = st.lists(st.tuples(ends, relations, ends), max_size=30)


@given(listed=lists, more=lists)
def test_triples_are_a_set(listed, more):
    triples = TripleSet(listed)
    before = len(triples)
    triples.update(more)

    assert before == len(set(listed))
    assert sorted(triples) == sorted({*listed, *more})
    assert (triples.heads(), triples.relations(), triples.tails()) == tuple(
        {triple[place] for triple in (*listed, *more)} for place in range(3)
    )


@given(listed=lists, more=lists)
def test_many_chunks_are_one_set(listed, more):
    usual, module._CHUNK = module._CHUNK, 4
    try:
        triples = TripleSet(listed)
        triples.take_over(TripleSet(more))

        assert sorted(triples) == sorted({*listed, *more})
    finally:
        module._CHUNK = usual


@given(listed=lists, wanted=st.sets(relations), known=st.sets(ends))
def test_what_is_not_wanted_is_removed(listed, wanted, known):
    by_relation, by_ends = TripleSet(listed), TripleSet(listed)

    by_relation.keep_relations(wanted)
    by_ends.keep_between(by_ends.terms.mask_of(known))

    assert set(by_relation) == {triple for triple in listed if triple[1] in wanted}
    assert set(by_ends) == {triple for triple in listed if {triple[0], triple[2]} <= known}
    by_ends = TripleSet(listed)
    assert set(by_ends.leaving(by_ends.terms.mask_of(known))) == {
        triple for triple in listed if triple[2] not in known
    }
    assert by_relation.relations() <= wanted


@given(listed=lists, names=st.dictionaries(ends, st.sampled_from("xyz")))
def test_renaming_joins_what_gets_one_name(listed, names):
    triples = TripleSet(listed)
    renamed = TripleSet(terms=triples.terms)
    triples.rename_relations({"is": "knows"})
    renamed.take_over(triples, triples.terms.remapped(names))

    assert set(renamed) == {
        (names[head], {"is": "knows"}.get(relation, relation), names[tail])
        for head, relation, tail in listed
        if head in names and tail in names
    }


@given(listed=lists, known=st.sets(ends).map(sorted))
def test_positions_are_sorted_and_of_what_is_known(listed, known):
    triples = TripleSet(listed)
    places = triples.terms.places(known)
    columns, names = triples.columns(places, places)
    rows = zip(*(column.tolist() for column in columns), strict=True)

    kept = sorted({triple for triple in listed if triple[0] in known and triple[2] in known})
    assert names == sorted({relation for _, relation, _ in kept})
    assert [(known[h], names[r], known[t]) for h, r, t in rows] == kept
