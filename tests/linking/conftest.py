import pytest

from kgbert.linking.factory import needs_folder


@pytest.fixture
def complete_name(plain_folder):
    """Return a function that adds the folder of an encoder to linkers that need one."""

    def complete(name):
        from kgbert.models.task_models import KGBertModel

        if not needs_folder(name):
            return name
        return f"{name}:{plain_folder('bert', KGBertModel)}"

    return complete
