"""Kills the machines of a cluster, and compares the outcome with a run that nobody disturbed.

    python tests/stress_cluster.py --worker_kills=10 --driver_kills=5

All machines are processes of this one. Each is killed by SIGKILL at a random moment, the start of
another included, and started again. Every line that any life of the driver printed, and the final
weights, must be those of the run that was left alone, bit for bit.
"""

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time

import stress

CONFIG = {**stress.TINY, "max_max_epoch": 20}


class Cluster:
    """A driver and workers, and what the driver's lives printed."""

    def __init__(self, machines, flags, save_path):
        self._addresses, self._save_path = stress.free_addresses(machines), save_path
        self._flags, self.printed = flags, {}
        self._processes = [self._start(task) for task in range(machines)]

    def _start(self, task):
        return stress.start(self._flags, self._save_path, CONFIG, self._addresses, task)

    def is_done(self):
        """Whether the driver has ended by itself."""
        return self._processes[0].poll() is not None

    def kill(self, task):
        """Kills a process and starts it again."""
        self._processes[task].kill()
        out, _ = self._processes[task].communicate()
        stress.note(self.printed, out)
        self._processes[task] = self._start(task)

    def finish(self):
        """Waits for all, and returns their statuses.

        A worker that was killed after it had been told the end is told nothing in its next life.
        """
        stress.note(self.printed, self._processes[0].communicate()[0])
        for process in self._processes[1:]:
            try:
                process.communicate(timeout=90)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        return [process.returncode for process in self._processes]


def disturb(cluster, victims, rng, longest_pause):
    """Kills one victim after the other until the driver is done; removes those that were killed."""
    while victims:
        pause_until = time.monotonic() + rng.uniform(0, longest_pause)
        while time.monotonic() < pause_until:
            if cluster.is_done():
                return
            time.sleep(0.05)
        cluster.kill(victims.pop())


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--worker_kills", type=int, default=10)
    parser.add_argument("--driver_kills", type=int, default=5)
    parser.add_argument("--longest_pause", type=float, default=15.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    victims = [0] * arguments.driver_kills
    victims += [rng.randrange(1, arguments.machines) for _ in range(arguments.worker_kills)]
    rng.shuffle(victims)
    with tempfile.TemporaryDirectory() as directory:
        stress.write_corpus(directory)
        flags = [f"--data_path={directory}", "--model=test", "--save_every_secs=0.05"]
        paths = [os.path.join(directory, name) for name in ("whole", "killed")]
        whole = Cluster(arguments.machines, flags, paths[0])
        print(f"the whole run: statuses {whole.finish()}, {len(whole.printed)} lines", flush=True)
        while victims:
            shutil.rmtree(paths[1], ignore_errors=True)
            cluster, before = Cluster(arguments.machines, flags, paths[1]), list(victims)
            disturb(cluster, victims, rng, arguments.longest_pause)
            statuses = cluster.finish()
            stress.compare(whole.printed, cluster.printed, paths)
            killed = before[len(victims) :]
            drivers = killed.count(0)
            print(
                f"{len(killed) - drivers} worker kills, {drivers} driver kills: every line and "
                f"weight the same; statuses {statuses}",
                flush=True,
            )


if __name__ == "__main__":
    main()
