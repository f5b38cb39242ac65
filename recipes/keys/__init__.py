"""The keys of a recipe file as a table: what each holds, in words and in the order of docs/reference/recipes.md.

The schema for editors and the formatter are made from it. What a recipe is, the reader says; a test holds the table
against it, key by key.
"""
