"""Keys by which a task is recognised when the same file, or a later one of the same app, is read again."""

import hashlib
import json
from typing import Any


class Keys:
    """Of one reading. Equal tasks count up, so that each has a key of its own."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def of(self, *parts: Any) -> str:
        """Of an id of the app, or of what identifies a row."""
        text = json.dumps(parts, ensure_ascii=True, default=str, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        short = int(digest[:15], 16)
        count = self._seen[short] = self._seen.get(short, 0) + 1
        return digest if count == 1 else f"{digest}-{count}"
