import pytest

from kgbert.utils.checkpoints import last_checkpoint


def checkpoint(folder, step, state="{}"):
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    (path / "model.safetensors").write_bytes(b"")
    if state is not None:
        (path / "trainer_state.json").write_text(state, encoding="utf-8")
    return path


def test_the_last_one_by_number_is_found(tmp_path):
    checkpoint(tmp_path, 9)
    last = checkpoint(tmp_path, 10)
    (tmp_path / "checkpoint-notes").mkdir()

    assert last_checkpoint(tmp_path) == last


@pytest.mark.parametrize("state", [None, "", '{"epoch": 1.'])
def test_one_that_was_cut_is_removed_and_the_one_before_is_found(tmp_path, state):
    before, cut = checkpoint(tmp_path, 2), checkpoint(tmp_path, 4, state)

    assert last_checkpoint(tmp_path) == before
    assert not cut.exists()


def test_there_may_be_none(tmp_path):
    checkpoint(tmp_path, 1, None)

    assert last_checkpoint(tmp_path) is None
    assert last_checkpoint(tmp_path / "missing") is None
