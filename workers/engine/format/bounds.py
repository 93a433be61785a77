"""The bounds of the published methods. The engine counts by them, and the annotator judges and explains by them."""

# [BZKOT17]: a unit is a detector if the IoU of its best label exceeds this.
DETECTOR_ABOVE = 0.04
# [ZKLOT15]: a unit is interpretable if its mean precision exceeds this.
INTERPRETABLE_ABOVE = 0.75
