"""What the ways to make a class map, and a box of it, are called. Nothing here needs torch: forms and commands read it.

docs/evidence.md, Class maps; docs/evidence.md, Boxes.
"""

CAM = "cam"
GRAD_CAM, HIRES_CAM, LAYER_CAM = BY_GRADIENTS = ("grad-cam", "hires-cam", "layer-cam")
MAPS = (CAM, *BY_GRADIENTS)
PAPER, TORCH_DEMO, AUTHORS = BOXES = ("paper", "torch-demo", "authors")
# What one unit, or one class, looks at in a photograph (docs/evidence.md, Views).
STRONG_ACTIVATION, BACK_PROPAGATION, DECONVOLUTION, GUIDED = VIEWS = (
    "strong-activation", "back-propagation", "deconvolution", "guided",
)  # fmt: skip
