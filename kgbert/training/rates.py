"""The learning rates that suit small labelled sets, for Python and the command line alike."""

#: Learning rate of a pretrained encoder.
ENCODER_LEARNING_RATE = 2e-4

#: Learning rate of a fresh task head.
HEAD_LEARNING_RATE = 1e-3
