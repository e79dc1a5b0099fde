"""`python -m generate` writes what is out of date, and names it."""

from pathlib import Path

from generate import generated

ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    for name, text in generated(ROOT).items():
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text:
            (ROOT / name).write_text(text, encoding="utf-8")
            print(f"wrote {name}")  # noqa: T201 # a command prints what it did
