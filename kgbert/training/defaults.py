"""The learning rates that suit small labelled sets, for Python and the command line alike."""

#: Learning rate of a pretrained encoder.
ENCODER_LEARNING_RATE = 2e-4

#: Learning rate of a fresh task head.
HEAD_LEARNING_RATE = 1e-3

#: What injections and graph encoder learn at, as a share of the head's rate. They are deep where
#: the head is one layer: at its full rate they were unstable with a few hundred texts.
KNOWLEDGE_SHARE = 0.3
