"""The manual at `/manual`: the folder `docs`, built by MkDocs in a process of its own, once for each version.

    links.py    from the repository's Markdown to addresses on the site
    hooks.py    what MkDocs calls while it builds
    build.py    the process: `python -m todo.web.manual.build <root> <file>`
    files.py    the built site as one file, and as it is held in memory
    cache.py    where that file is kept, and who builds it
    routes.py   the addresses

Requests are answered from memory. Without MkDocs (the extra `docs`) and with `MANUAL=off`, `/manual` is a 404 that says
so.
"""
