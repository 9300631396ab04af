"""Which modules annotate the shapes of tensors."""

from importlib.util import find_spec
from pathlib import Path


def modules_with_shapes() -> list[str]:
    """Return the modules that use jaxtyping, read from their sources without importing them."""
    spec = find_spec("kgbert")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    return [
        ".".join(file.relative_to(package.parent).with_suffix("").parts)
        for file in sorted(package.rglob("*.py"))
        if "from jaxtyping import" in file.read_text(encoding="utf-8")
    ]
