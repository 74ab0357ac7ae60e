# SPDX-License-Identifier: Apache-2.0
"""A peer's side of a case, in the peers' environment: call.py CASE_bench.py KIND [ARGUMENT ...] prints its figures as one JSON line."""
import json
import runpy
import sys

figures = runpy.run_path(sys.argv[1])["peer"](*sys.argv[2:])
print(json.dumps(figures), flush=True)
