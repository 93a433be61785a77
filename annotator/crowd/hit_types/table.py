"""The HIT types: name -> package. A package holds the files that hit_templates/README.md lists."""

TABLE = {
    "unit_semantics": "hit_templates.unit_semantics",
    "verify_label": "hit_templates.verify_label",
    "rate_description": "hit_templates.rate_description",
    "two_choice": "hit_templates.two_choice",
    "best_of": "hit_templates.best_of",
}
