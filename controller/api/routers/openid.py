"""Coming in by the plant's own sign-in (OpenID Connect); without `[people.oidc]` there is none."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from controller.accounts import OpenId
from controller.api.answers import answers
from controller.api.forms import API
from controller.api.identity import address_of, session_token, set_session
from controller.api.parts import parts_of
from controller.api.problems import Problem

OPENID = f"{API}/session/openid"
"""Where the provider sends browsers back to; `people.oidc.redirect_url` ends with it."""
COOKIE, SECURE_COOKIE = "pressline_openid", "__Host-pressline_openid"
LASTS_S = 600  # as long as what was begun counts
BACK = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>pressline</title>'
    '<meta http-equiv="refresh" content="0; url=/"><p>You are signed in. <a href="/">Go on</a></p></html>'
)
"""A page, and no redirect: a browser sends a cookie that is SameSite=Strict only with what a page of ours asks."""
router = APIRouter(tags=["people"], prefix=API)
Given = Annotated[str, Query(max_length=4096)]


class OpenIdBody(BaseModel):
    """Where the browser goes to sign in."""

    url: str = Field(description="the provider's page, for this browser and this once")


def _openid(request: Request) -> OpenId:
    if (found := parts_of(request).openid) is None:
        raise Problem("unknown", "this service has no sign-in by OpenID Connect ([people.oidc] of the line file)")
    return found


@router.post("/session/openid", operation_id="begin_openid", responses=answers(401, 403, 404, 429))
async def begin_openid(request: Request, response: Response) -> OpenIdBody:
    """Begins a sign-in at the plant's provider: the page goes to `url`, and the provider sends it back."""
    start = await _openid(request).begin(address_of(request))
    tls = parts_of(request).tls
    response.set_cookie(
        _cookie(tls=tls), start.browser, LASTS_S, path="/", secure=tls, httponly=True, samesite="lax"
    )  # lax: it has to come with the provider's redirect
    return OpenIdBody(url=start.url)


@router.get(
    "/session/openid",
    operation_id="finish_openid",
    response_class=HTMLResponse,
    responses=answers(401, 403, 404, 409, 422, 429)
    | {200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "signed in; it goes on to /"}},
)
async def finish_openid(
    request: Request,
    state: Given = "",
    code: Given = "",
    iss: Given | None = None,
    error: Given | None = None,
) -> Response:
    """Where the provider sends the browser back to: begins a session in the browser that began the sign-in, once."""
    found, parts = _openid(request), parts_of(request)
    if error is not None or not code:
        raise Problem("not-signed-in", "the provider did not sign anybody in; begin again, or sign in with a password")
    browser = request.cookies.get(_cookie(tls=parts.tls), "")
    replaced = session_token(request)
    session = await found.finish(code, state, browser, address_of(request), iss)
    if replaced is not None:
        await parts.people.sign_out(replaced, address_of(request))
    response = HTMLResponse(BACK)
    set_session(request, response, session.token)
    response.delete_cookie(_cookie(tls=parts.tls), path="/", secure=parts.tls, httponly=True, samesite="lax")
    return response


def _cookie(*, tls: bool) -> str:
    return SECURE_COOKIE if tls else COOKIE
