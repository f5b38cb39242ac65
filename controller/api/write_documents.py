"""`python -m controller.api.write_documents docs/reference`: the documents that are made from the code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from controller.api.app import described
from controller.api.asyncapi import asyncapi
from controller.api.problem_page import page


def documents() -> Mapping[str, str]:
    """Each file's name and text."""
    return {
        "openapi.json": json.dumps(described().openapi(), indent=1, ensure_ascii=False) + "\n",
        "asyncapi.json": json.dumps(asyncapi(), indent=1, ensure_ascii=False) + "\n",
        "problems.md": page(),
    }


if __name__ == "__main__":
    for name, text in documents().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
