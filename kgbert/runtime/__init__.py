"""Answer texts with an exported model, without torch and without transformers."""

from kgbert.runtime.pipeline import RuntimePipeline as RuntimePipeline
from kgbert.runtime.pipeline import load as load
