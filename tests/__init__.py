"""Tests, in which calls of every function in a module with shapes of tensors are checked."""

from jaxtyping import install_import_hook

from tests.support.project.shapes import modules_with_shapes

# Here, before anything imports kgbert. Checking the other modules, too, takes a third more time.
install_import_hook(modules_with_shapes(), "beartype.beartype")
