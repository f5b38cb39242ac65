"""docs/reference/problems.md, made from the table of problems."""

from __future__ import annotations

from controller.api.problems import KINDS, MEDIA_TYPE, URN

HEAD = f"""# Problems
Every answer of the API that is no success is `{MEDIA_TYPE}` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
Its `type` is `{URN}` and a name of this table, which programs decide by; `detail` is for people. `findings`
has one entry a fault, with a JSON pointer into the request or with file, line and column of a recipe. `present` is a
run's state and version as they are now. `instance` names the request as the service's log has it.

This page is made from the code (`python -m controller.api.write_documents docs/reference`).

| `type` | status | means | asking again makes sense |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{kind.name}` | {kind.status} | {kind.title}. {kind.meaning} | {kind.retry or 'not with the same words'} |"
        for kind in KINDS.values()
    ]
    return HEAD + "\n".join(rows) + "\n"
