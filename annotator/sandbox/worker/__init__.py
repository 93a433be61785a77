"""The people's side: a site to find work, do it, and see what it earned."""
