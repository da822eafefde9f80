"""What the live display of a notebook takes of the training's time: python benchmarks/display.py [--runs 5].

PPO trains on CartPole-v1 in a real kernel, 100,000 steps a run. Within each run the display is shown and not shown in
turn, for a third of a second each, and the processor time of the whole kernel is compared: whatever else the machine
does falls on both alike. Ends with 1 where the display takes more than 2 %.
"""

from __future__ import annotations

import argparse
import json
import sys

import nbformat
from nbclient import NotebookClient

MOST = 0.02
"""What the display may take of the training's time."""

MEASURE = """
%load_ext rlkit
import json, time
import rlkit
from rlkit.notebook.progress import NotebookProgress

SECONDS = 1 / 3
ORDER = (True, False, False, True)  # so that what changes steadily within a run falls on both

class InTurn(NotebookProgress):
    def on_start(self, run):
        super().on_start(run)
        self.parts, self.drawn, self.sent, self.costs = [], [], [], []
        self.begin(run)

    def begin(self, run):
        self.shown = ORDER[len(self.parts) % len(ORDER)]
        self.began, self.cpu, self.steps = time.perf_counter(), time.process_time(), run.num_timesteps

    def on_update(self, run, update):
        if self.shown:
            super().on_update(run, update)
        if time.perf_counter() - self.began >= SECONDS:
            self.parts.append((self.shown, time.process_time() - self.cpu, run.num_timesteps - self.steps))
            self.begin(run)

    def on_episode(self, run, episode):
        if self.shown:
            super().on_episode(run, episode)

    def _send(self, data):
        started = time.perf_counter()
        super()._send(data)
        self.drawn.append(time.perf_counter() - started)
        self.sent.append(len(json.dumps(data)))
"""

RUN = """
model = rlkit.create("ppo", env="CartPole-v1", seed={seed})
display_in_turn = InTurn()
history = model.train(100_000, progress=display_in_turn)
"""

TELL = "print(json.dumps([display_in_turn.parts, display_in_turn.sent[:-1]]))"


def main() -> int:
    """Measure; return 1 where the display takes too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    cells = [MEASURE, *(cell for seed in range(runs) for cell in (RUN.format(seed=seed), TELL))]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", extra_arguments=["--IPKernelApp.log_level=40"]
    ).execute()
    parts, sizes = [], []
    for cell in notebook.cells[2::2]:
        of_run, sent = json.loads(cell.outputs[0].text)
        parts += of_run
        sizes += sent
    share = 1 - per_step(parts, shown=False) / per_step(parts, shown=True)
    seconds = sum(cpu for shown, cpu, _ in parts if shown)
    print(f"Live display of PPO on CartPole-v1, 100,000 steps, {runs} runs")
    print(f"  processor time a step: shown {per_step(parts, shown=True) * 1e6:.2f} us, ", end="")
    print(f"not shown {per_step(parts, shown=False) * 1e6:.2f} us: the display takes {share:.2%}")
    print(f"  updates: {len(sizes) / seconds:.1f} a second, {sum(sizes) / len(sizes) / 1e3:.1f} kB each")
    kept = sum(len(json.dumps(output)) for output in notebook.cells[1].outputs)
    print(f"  kept in the notebook: {kept / 1e3:.1f} kB a run")
    print(f"  at most {MOST:.0%} is due: {'reached' if share <= MOST else 'MISSED'}")
    return 0 if share <= MOST else 1


def per_step(parts: list[tuple[bool, float, int]], *, shown: bool) -> float:
    """Return the processor seconds of a step, over all parts that were shown, or all that were not."""
    chosen = [(cpu, steps) for was_shown, cpu, steps in parts if was_shown == shown]
    return sum(cpu for cpu, _ in chosen) / sum(steps for _, steps in chosen)


if __name__ == "__main__":
    sys.exit(main())
