import json
from dataclasses import asdict


def write(results, *, kept):
    print(json.dumps(results, default=asdict)[:100])
    import statistics

    figs = results["rounds"]["figures"]
    for f in ("app_cpu", "database_cpu", "rate", "p50", "p99", "errors"):
        print(f)
        for n, ops in figs.items():
            print(f"  {n:32}", *[f"{o} {statistics.median(getattr(x, f) for x in xs):10.2f}" for o, xs in ops.items()])
    print({k: v for k, v in results.items() if k != "rounds"}, results["rounds"]["peak_mb"])
