"""Default learning rates for small labelled sets, for Python and the command line."""

#: Learning rate of a pretrained encoder.
ENCODER_LEARNING_RATE = 2e-4

#: Learning rate of a new task head.
HEAD_LEARNING_RATE = 1e-3

#: Learning rate of injections and graph encoder as a fraction of the head's rate. They are deeper
#: than the head: at its full rate their training was unstable with a few hundred texts.
KNOWLEDGE_SHARE = 0.3
