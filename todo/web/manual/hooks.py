"""What MkDocs calls while it builds the site: files of the repository that pages link to, links, and llms.txt."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from todo.web.manual import llms
from todo.web.manual.contents import sections
from todo.web.manual.links import IMAGES, INDEX, REPOSITORY, linked, outside_fences, rewritten

LANGUAGES = {".js": "js", ".json": "json", ".py": "python", ".sh": "sh", ".toml": "toml", ".ts": "ts", ".tsx": "tsx"}
LANGUAGES |= {".yaml": "yaml", ".yml": "yaml"}
SHOWN = 100_000
"""Characters of a source file that are shown; what is longer is data."""

LIST_AFTER_TEXT = re.compile(r"^((?![-*+] |\d+\. |[ \t|#>]).+\n)(?=[-*+] |1\. )", re.MULTILINE)
"""A list right below a line of text, which GitHub shows as a list and Python-Markdown only after a blank line."""

UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages link to outside `docs/`: a page for each source file, the text of Markdown, pictures."""
    root = Path(config.config_file_path).parent
    for name, path in linked(root).items():
        if path.suffix in IMAGES:
            files.append(File.generated(config, REPOSITORY + name, abs_src_path=str(path)))
        elif path.suffix == ".md":
            files.append(File.generated(config, REPOSITORY + name, content=path.read_text(encoding="utf-8")))
        else:
            files.append(File.generated(config, f"{REPOSITORY}{name}.md", content=UNSEARCHED + _source(name, path)))
    return files


def _source(name: str, path: Path) -> str:
    """A page that shows a file, or names what is in a folder."""
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if not each.name.startswith(("__py", ".", "node_modules")))
        return "\n".join([f"# {name}", "", *(f"- `{each}`" for each in names)])
    text = path.read_text(encoding="utf-8")[:SHOWN]
    fence = "`" * max(4, *(len(run) + 1 for run in re.findall("`+", text) or ["```"]))
    return f"# {name}\n\n{fence}{LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation is what `docs/README.md` lists."""
    _texts.clear()
    listed = sections((Path(config.docs_dir).parent / INDEX).read_text(encoding="utf-8"))
    pages = {name: [{entry.title: entry.path} for entry in entries] for name, entries in listed.items()}
    config.nav = [{"Home": INDEX.removeprefix("docs/")}, *({name: each} for name, each in pages.items())]
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 # of the hook
    """Links for the site; lists as GitHub reads them."""
    path = page.file.src_uri
    name = path.removeprefix(REPOSITORY) if path.startswith(REPOSITORY) else f"docs/{path}"
    _texts[path] = (page.file.dest_uri, markdown)
    if not name.startswith("docs/") and name.count(".") > 1:  # a source file, as it is
        return markdown
    return outside_fences(rewritten(markdown, name), lambda part: LIST_AFTER_TEXT.sub(r"\1\n", part))


UNNAMED = 'data-md-component="search" role="dialog"'
"""A dialog of the theme's, which WCAG 2.2 (4.1.2) wants to have a name."""


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 # of the hook
    return output.replace(UNNAMED, f'{UNNAMED} aria-label="Search"')


def on_post_build(config: MkDocsConfig) -> None:
    """Beside the pages: llms.txt, llms-full.txt, and the Markdown of each page."""
    llms.write(Path(config.site_dir), _texts, name=config.site_name, summary=config.site_description or "")


_texts: dict[str, tuple[str, str]] = {}
"""The address and the Markdown of each page of this build, by the path of its source."""
