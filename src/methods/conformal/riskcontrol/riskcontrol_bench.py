# SPDX-License-Identifier: Apache-2.0
"""conformal.riskcontrol: the share of missed labels among ten, a grid of about a hundred, against MAPIE's multi-label controller."""
PEERS = "conformal"
LABELS = 10


def cases(bench):
    n = bench.rows(1e4)
    for procedure in ("crc", "rcps"):
        found = bench.interleave({"ours": bench.ours(n, 101, procedure), "mapie": bench.peer(procedure, n)})
        if abs(found["ours"]["lambda"] - found["mapie"]["lambda"]) > 0.021:
            raise SystemExit(f"lambda differs: {found['ours']['lambda']} against {found['mapie']['lambda']}")
        yield bench.row(f"conformal.riskcontrol {procedure} {n:.0e} x {LABELS}", "choose lambda", found["ours"]["cpu"], found["mapie"]["cpu"], "mapie", found["ours"]["peak_mb"], found["mapie"]["peak_mb"], found["ours"]["floor"])


def peer(kind, rows):
    import warnings

    import numpy as np
    from mapie.risk_control import MultiLabelClassificationController
    from measure import Measured, uniform

    warnings.filterwarnings("ignore")
    n = int(rows)
    p = uniform(41, n * LABELS).reshape(n, LABELS)
    y = (uniform(42, n * LABELS).reshape(n, LABELS) < p).astype(int)
    y[:, 0] = 1  # MAPIE wants a true label in every row
    extra = {"confidence_level": 0.9, "rcps_bound": "hoeffding"} if kind == "rcps" else {}
    with Measured() as measured:
        model = MultiLabelClassificationController(lambda x: x, risk="recall", method=kind, target_level=0.9, **extra)
        model.calibrate(p, y)
    # A label is in the set where p exceeds the threshold: lambda is one less.
    return {"cpu": measured.cpu, "peak_mb": measured.peak, "lambda": float(1 - np.ravel(model.best_predict_param)[0])}
