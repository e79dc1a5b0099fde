import json
from dataclasses import asdict
from pathlib import Path
def write(results, *, kept):
    Path("/tmp/results.json").write_text(json.dumps(results, default=asdict, indent=1))
