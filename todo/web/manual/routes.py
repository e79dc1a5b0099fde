"""The addresses of the manual. What they answer lies in memory, by its name: there is no other file to get."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from todo.http.pages import prefers_html, problem_page
from todo.problems import NotFound, Problem, Unavailable
from todo.settings import Settings
from todo.web.content import accepted_coding
from todo.web.manual import cache
from todo.web.manual.files import File, Site
from todo.web.manual.llms import FULL_FILE, INDEX_FILE

log = logging.getLogger("todo")

OFF = "The manual is switched off here: MANUAL=auto serves it."
HEADERS = {"Cache-Control": "no-cache", "Cross-Origin-Opener-Policy": "same-origin"}
NO_PAGE = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
"""Of text and pictures; an SVG that is opened by itself has styles of its own."""


class Manual:
    """The site once it is there; before, why it is not."""

    def __init__(self, settings: Settings) -> None:
        self.on = settings.manual == "auto"
        self._site: Site | None = None
        self._problem: Problem = Unavailable("The manual is being built.", retry_after=2) if self.on else NotFound(OFF)

    @asynccontextmanager
    async def being_built(self) -> AsyncIterator[None]:
        """Build the site, or find it built, beside the block; what is unfinished at its end is given up."""
        preparing = asyncio.create_task(self._prepare()) if self.on else None
        try:
            yield
        finally:
            if preparing:
                preparing.cancel()
                with suppress(asyncio.CancelledError):
                    await preparing

    async def _prepare(self) -> None:
        try:
            self._site = await cache.site()
        except cache.CannotBuild as error:
            self._problem = NotFound(str(error))
        except Exception:
            self._problem = NotFound("The manual could not be built; the server's log says why.")
            log.exception("the manual could not be built")

    def site(self) -> Site:
        """Raises why there is none: NotFound, or Unavailable while it is built."""
        if self._site is None:
            raise self._problem
        return self._site

    def site_or_none(self) -> Site | None:
        return self._site


def router(manual: Manual) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def answer(request: Request, name: str) -> Response:
        try:
            site = manual.site()
            if name not in site.files:
                raise NotFound("The manual has no such page. It begins at /manual.")
        except Problem as problem:
            if not prefers_html(request.scope):
                raise
            return problem_page(problem, request.scope)
        return respond(request, site.files[name], site.policy)

    @router.get("/manual")
    async def index(request: Request) -> Response:
        if manual.site_or_none() is None:
            return answer(request, "")
        return RedirectResponse(f"{request.scope.get('root_path', '')}/manual/index.html")

    @router.get("/manual/{name:path}")
    async def file(request: Request, name: str) -> Response:
        return answer(request, name)

    if manual.on:

        @router.get("/llms.txt")
        async def llms() -> Response:
            """The list of the manual, whose links are relative to its folder."""
            text = gzip.decompress(manual.site().files[INDEX_FILE].body)
            return Response(text.replace(b"](", b"](manual/"), headers=NO_PAGE, media_type="text/plain")

        @router.get("/llms-full.txt")
        async def llms_full(request: Request) -> Response:
            return answer(request, FULL_FILE)

    return router


def respond(request: Request, file: File, policy: str) -> Response:
    """The file as the client accepts it, or 304. Each coding has its own tag (RFC 9110 §8.8.3.3)."""
    page = file.media_type in {"text/html", "text/javascript"}  # the policy of a worker is that of its script
    headers = {**HEADERS, "Content-Security-Policy": policy} if page else dict(NO_PAGE)
    body, coding = file.body, ""
    if file.compressed:
        headers["Vary"] = "Accept-Encoding"
        coding = accepted_coding(request.headers, ["gzip"]) or ""
        if coding:
            headers["Content-Encoding"] = coding
        else:
            body = gzip.decompress(body)
    headers["ETag"] = f'"{file.etag}-{coding}"' if coding else f'"{file.etag}"'
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if any(tag == "*" or tag.startswith(f'"{file.etag}') for tag in tags):
        headers.pop("Content-Encoding", None)
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=file.media_type)
