# SPDX-License-Identifier: Apache-2.0
"""The generator of bench/generator.h in NumPy, and what a peer reads of its own process."""
import gc
import json
import time

import numpy as np

G = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def uniform(stream, n, start=0, step=1, block=1 << 20):
    out = np.empty(n)
    with np.errstate(over="ignore"):
        key = mix(np.array([stream], dtype=np.uint64))[0]
        for a in range(0, n, block):
            b = min(n, a + block)
            i = np.arange(a, b, dtype=np.uint64) * np.uint64(step) + np.uint64(start + 1)
            out[a:b] = (mix(i * G + key) >> np.uint64(11)) * 2.0**-53
    return out


def normal(stream, n):
    radius = np.sqrt(-2 * np.log1p(-uniform(stream, n, 0, 2)))
    return radius * np.cos(2 * np.pi * uniform(stream, n, 1, 2))


def scored_events(stream, n):
    """p = sigmoid(1.3 l) with l = -1 + 1.5 N, and y drawn with sigmoid(l)."""
    logit = -1 + 1.5 * normal(stream, n)
    return 1 / (1 + np.exp(-1.3 * logit)), (uniform(stream + 1, n) < 1 / (1 + np.exp(-logit))).astype(np.int64)


def class_table(stream, n, classes, block=1 << 18):
    """n x classes softmax(2 N) and labels drawn from it."""
    p = normal(stream, n * classes).reshape(n, classes)
    u = uniform(stream + 1, n)
    y = np.empty(n, dtype=np.int64)
    for a in range(0, n, block):
        q = p[a : a + block]
        q *= 2
        q -= q.max(1, keepdims=True)
        np.exp(q, out=q)
        q /= q.sum(1, keepdims=True)
        y[a : a + block] = np.minimum((np.cumsum(q, 1) < u[a : a + block, None]).sum(1), classes - 1)
    return p, y


def status_mb(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))


class Measured:
    """with Measured() as m: ...; m.cpu seconds of all threads, m.peak MB above what was resident before."""

    def __enter__(self):
        gc.collect()
        self.base = status_mb("VmRSS")
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        self.start = time.process_time()
        return self

    def __exit__(self, *_):
        self.cpu = time.process_time() - self.start
        self.peak = status_mb("VmHWM") - self.base


def say(**figures):
    print(json.dumps(figures), flush=True)
