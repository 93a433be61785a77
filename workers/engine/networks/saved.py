"""The names of a network that is not there: its activations were saved."""

# What stands for the architecture if there is none.
SAVED = "saved"
