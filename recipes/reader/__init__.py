"""Reading a recipe file: from bytes to YAML nodes to the values of recipes.model, all mistakes collected."""
