"""The addresses of the page; or, with `PAGE=off`, what is left of them."""

from functools import lru_cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from todo.problems import NotFound
from todo.settings import Settings
from todo.web.content import Content, Revalidated
from todo.web.document import WORKER, Page

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

ROOT_PATHS = 4
"""Root paths that a process remembers the page for: that of the settings, or of an application that mounts this one."""

LEAVING = b"""// PAGE=off: a browser that had the page forgets its service worker, and asks the server from now on.
self.addEventListener("install", () => self.skipWaiting())
self.addEventListener("activate", (event) => event.waitUntil(leave()))

async function leave() {
  const ours = "todo-page " + new URL(self.registration.scope).pathname + " "
  const names = (await caches.keys()).filter((name) => name.startsWith(ours))
  await Promise.all(names.map((name) => caches.delete(name)))
  await self.registration.unregister()
}
"""


def router(settings: Settings) -> APIRouter:
    """The page where it is switched on; otherwise `/` leads to the description of the API."""
    return _page(settings) if settings.page else _no_page()


def _page(settings: Settings) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @lru_cache(maxsize=ROOT_PATHS)
    def page_at(root: str) -> Page:
        return Page(
            root, external_issuer=settings.external_issuer, mail=settings.smtp_url is not None, mcp=settings.mcp
        )

    page_at(settings.root_path or "")

    def page(request: Request) -> Page:
        return page_at(request.scope.get("root_path", ""))

    @router.get("/")
    async def document(request: Request) -> Response:
        return page(request).document.response(request)

    @router.get("/page/{version}/{name:path}")
    async def asset(request: Request, version: str, name: str) -> Response:
        """A file of this version, which never changes. Raises NotFound for any other version, whatever the file."""
        current = page(request)
        if version != current.version:
            raise NotFound("This server has another version of the page: load the page again.")
        if name not in current.assets:
            raise NotFound("The page has no such file.")
        return current.assets[name].response(request, FOR_EVER)

    @router.get("/sw.js")
    async def worker(request: Request) -> Response:
        return page(request).worker.response(request)

    @router.get("/manifest.webmanifest")
    async def manifest(request: Request) -> Response:
        return page(request).manifest.response(request)

    return router


def _no_page() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    leaving = Revalidated(Content.of(WORKER, LEAVING), {})

    @router.get("/")
    async def root(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")

    @router.get("/sw.js")
    async def worker(request: Request) -> Response:
        return leaving.response(request)

    return router
