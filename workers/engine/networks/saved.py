"""The names of a network that is not there: its activations were saved."""

from __future__ import annotations

# What stands for the architecture if there is none.
SAVED = "saved"
