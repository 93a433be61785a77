"""Colors of figures and pages: apart by hue for most people, by lightness in gray and for color-blind people."""

# From dark to light, at least nine steps of L* from one to the next.
INDIGO, RUST, BLUE, ORANGE, TEAL, SAND = "#222255", "#8c3a2f", "#2f7fb8", "#d9862f", "#63c2b0", "#f0dc82"
# In the order of the HIT: neighbors in a stack differ most.
SEMANTIC_COLORS = [INDIGO, SAND, ORANGE, RUST, BLUE, TEAL]
# In Broden's order (object, part, scene, material, texture, color): a category has the color of its counterpart.
BRODEN_COLORS = [ORANGE, RUST, INDIGO, BLUE, SAND, TEAL]
# Equal, synonym, hypernym, hyponym, part, different.
RELATION_COLORS = [INDIGO, BLUE, TEAL, SAND, RUST, ORANGE]
# Two and three things that stand against one another.
TWO_COLORS = [ORANGE, INDIGO]
THREE_COLORS = [ORANGE, BLUE, RUST]
ONE_COLOR = BLUE
# Lines and edges that show on white and on near-black alike.
MIDDLE_GRAY = "#7c8594"
