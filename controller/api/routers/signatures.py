"""Signatures of two people: what waits for the second one, and its giving. What is signed is named by its hash."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from controller.accounts import SignatureRequest
from controller.api.answers import answers, read
from controller.api.forms import API, Form, NamePath, Viewer
from controller.api.identity import address_of
from controller.api.parts import parts_of
from controller.api.route import Route

router = APIRouter(tags=["people"], prefix=f"{API}/signatures", route_class=Route)


class SecondForm(Form):
    """Who signs, by name and password given anew, and the hash of what they saw."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@router.get("", operation_id="list_signatures", responses=read())
async def list_signatures(request: Request, _: Viewer) -> list[SignatureRequest]:
    """What waits for a second signature, or has it and was not used yet."""
    return await parts_of(request).people.signatures.open()


@router.post("/{signature}/second", operation_id="second_signature", responses=answers(401, 403, 409, 415, 422, 429))
async def second_signature(request: Request, signature: NamePath, form: SecondForm, _: Viewer) -> SignatureRequest:
    """The second signature, at whatever screen: it is the name and password here that sign, not who is signed in."""
    signatures = parts_of(request).people.signatures
    return await signatures.second(signature, form.name, form.password, form.sha256, address=address_of(request))


@router.delete(
    "/{signature}", operation_id="withdraw_signature", status_code=204, responses=answers(401, 403, 409, 422)
)
async def withdraw_signature(request: Request, signature: NamePath, by: Viewer) -> Response:
    """Takes a request back."""
    await parts_of(request).people.signatures.withdraw(signature, by=by, address=address_of(request))
    return Response(status_code=204)
