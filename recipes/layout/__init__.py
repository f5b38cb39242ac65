"""One layout for recipe files: a tree of what is written with its comments, and the lines that show it.

The reader's own YAML parser makes the tree, so that both understand a file alike. Comments are put to the entry that
they stand at, not to the token before them: a key that moves takes its own comments along and no others.
"""
