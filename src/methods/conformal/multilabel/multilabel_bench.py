# SPDX-License-Identifier: Apache-2.0
"""conformal.multilabel: the label-sets of a row against explicit enumeration of all of them, in NumPy, at 20 labels."""
PEERS = "conformal"


def cases(bench):
    labels, rows, fresh = 20, 500, max(bench.rows(20), 2)
    found = bench.interleave({"ours": bench.ours(labels, rows, fresh), "norm": bench.peer("norm", labels, rows, fresh), "product": bench.peer("product", labels, rows, fresh)})
    for name, said in (("norm", "|y - o| of 2^20 sets"), ("product", "one product, 2^20 sets")):
        if found[name]["sets"] != found["ours"]["sets"]:
            raise SystemExit(f"the sets differ in number: {found[name]['sets']} against {found['ours']['sets']}")
        yield bench.row(f"conformal.multilabel, {labels} labels", "a row, all sets listed and sorted", found["ours"]["list"], found[name]["cpu"], said)
    yield bench.row("conformal.multilabel, 53 labels", "certified count of a row", found["ours"]["count"], None, "")
    yield bench.row("conformal.multilabel, kernel", "a million label-sets walked", 1e6 / found["ours"]["walk"], None, "")
    yield bench.row("conformal.multilabel, 50 labels", "a million summaries", 1e6 / found["ours"]["summary"], None, "")


def peer(kind, labels, rows, fresh):
    import numpy as np
    from measure import Measured, uniform

    labels, rows, fresh = int(labels), int(rows), int(fresh)
    o = uniform(7, (rows + fresh) * labels).reshape(-1, labels) ** 2
    y = uniform(8, rows * labels).reshape(rows, labels) < o[:rows]
    scores = np.sort(((y - o[:rows]) ** 2).sum(1))
    threshold = scores[int(np.ceil((rows + 1) * 0.9 - 1e-9)) - 1]
    # Every label-set once, outside the clock.
    every = ((np.arange(1 << labels, dtype=np.uint32)[:, None] >> np.arange(labels, dtype=np.uint32)) & 1).astype(np.float64)
    sets = 0
    with Measured() as measured:
        for row in o[rows:]:
            if kind == "norm":
                score = np.linalg.norm(every - row, axis=1) ** 2
            else:
                score = every @ (1 - 2 * row) + (row**2).sum()
            kept = np.flatnonzero(score <= threshold + 1e-12)
            order = kept[np.argsort(score[kept])]
            p = (rows - np.searchsorted(scores, score[order] - 1e-12) + 1) / (rows + 1)
            sets += len(p)
    return {"cpu": measured.cpu / fresh, "sets": float(sets)}
