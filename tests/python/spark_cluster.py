# SPDX-License-Identifier: Apache-2.0
"""A standalone Spark cluster on loopback, from the pyspark wheel: one master and worker processes of one core each."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Cluster:
    """Each daemon is one JVM, started here and known by its own process id."""

    def __init__(self, python, workers=2, memory="1g", python_path=""):
        self.python = str(python)
        self.home = next(pathlib.Path(python).parent.parent.glob("lib/python3*/site-packages/pyspark"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plimsoll-spark-"))
        self.memory = memory
        self.path = python_path
        self.workers = workers
        self.daemons = {}

    def environment(self):
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "SPARK_MASTER_OPTS", "SPARK_WORKER_OPTS")}
        env.update(SPARK_HOME=str(self.home), SPARK_LOCAL_IP="127.0.0.1", SPARK_DAEMON_MEMORY="192m", PYSPARK_PYTHON=self.python,
                   SPARK_LOCAL_DIRS=str(self.folder / "scratch"), PYTHONPATH=self.path)  # fmt: skip
        return env

    def _start(self, name, *arguments):
        log = open(self.folder / f"{name}.log", "wb")
        command = [str(self.home / "bin/spark-class"), *arguments]
        self.daemons[name] = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment(), start_new_session=True)

    def _wait_for(self, name, pattern, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, (self.folder / f"{name}.log").read_text(errors="replace"))
            if found:
                return found
            if self.daemons[name].poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"the {name} of the cluster did not come up:\n" + (self.folder / f"{name}.log").read_text(errors="replace")[-2000:])

    def __enter__(self):
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self._start("master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
            self._wait_for("master", "Starting Spark master at")
            self.url = f"spark://127.0.0.1:{port}"
            for i in range(self.workers):
                self._start(f"worker{i}", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", self.memory,
                            "--webui-port", "0", "--work-dir", str(self.folder / f"work{i}"), self.url)  # fmt: skip
            for i in range(self.workers):
                self._wait_for(f"worker{i}", "Successfully registered with master")
            return self
        except BaseException:
            self.close()
            raise

    def worker_pid(self, i):
        return self.daemons[f"worker{i}"].pid

    def close(self):
        for daemon in reversed(list(self.daemons.values())):
            if daemon.poll() is None:
                daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(self, *_):
        self.close()

    def run(self, script, *arguments, timeout=600):
        """A driver program of its own."""
        command = [self.python, str(script), self.url, *map(str, arguments)]
        with open(self.folder / "driver.log", "wb") as log:
            driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=self.environment(), text=True, start_new_session=True)
            try:
                out, _ = driver.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(driver.pid, signal.SIGKILL)
                driver.communicate()
                raise
        if driver.returncode != 0:
            raise RuntimeError(f"the driver ended with {driver.returncode}:\n" + (self.folder / "driver.log").read_text(errors="replace")[-6000:])
        return out
