"""The OpenAPI document for people, at /docs: Swagger UI, whose files are in the installed package."""

import base64
import hashlib
import re

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

assets = StaticFiles(packages=[("fastapi_swagger", "resources")])

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What Swagger UI needs: its own files, pictures that are written into its styles, and this API."""


THEME = b"""<script>
const dark = matchMedia("(prefers-color-scheme: dark)")
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", follow)
follow()
</script>"""
"""Swagger UI has a dark theme, which it leaves to the page to choose."""


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Swagger UI with the token kept while the page is reloaded."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="todo: the API",
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/assets/favicon-32x32.png",
        swagger_ui_parameters={
            "persistAuthorization": True,
            "tryItOutEnabled": True,
            "displayRequestDuration": True,
        },
    )
    body = bytes(page.body).replace(b"</head>", THEME + b"</head>")
    scripts = re.findall(rb"<script>(.*?)</script>", body, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    policy = POLICY.format(scripts=" ".join(f"'sha256-{each}'" for each in hashes))
    return HTMLResponse(body, headers={"Content-Security-Policy": policy})
