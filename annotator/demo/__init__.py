"""The demo's rendered concept images and its simulated people; nothing imports this app."""
