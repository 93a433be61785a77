"""The engine: from images and a network to measures of its units; torch, numpy and Pillow only."""
