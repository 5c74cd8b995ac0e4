"""`python -m tests.bench`: run the workloads, print the table, keep the run, show what changed since the last one."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import click
from tabulate import tabulate

import tests.bench.native  # noqa: F401  # declares its workloads
from tests.bench.cpu import md5_microseconds_per_mib
from tests.bench.servers import Server, nginx, node
from tests.bench.targets import NginxTarget, NodeTarget, Target
from tests.bench.workloads import WORKLOADS, Sample, Workload

HEADINGS = ["workload", "per", "units/s", "p99 ms", "call ms", "CPU µs", "before", "nginx µs", "ratio"]


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of a workload's samples on the node and, where nginx can serve it, on nginx."""

    workload: str
    node: Sample
    nginx: Sample | None

    @property
    def ratio(self) -> float | None:
        return self.node.cpu / self.nginx.cpu if self.nginx else None


def median(samples: list[Sample]) -> Sample:
    return Sample(**{f.name: statistics.median(getattr(s, f.name) for s in samples) for f in fields(Sample)})


def once(
    work: Workload,
    start: Callable[[Path | None], AbstractContextManager[Server]],
    address: Callable[[Server], Target],
    options: Options,
) -> Sample:
    """One sample of the workload on a server of its own."""
    with start(options.scratch) as server:
        sample = work.run(address(server), options.seconds)
    click.echo(f"  {work.name} {start.__name__}: {sample.cpu:.1f} µs per {work.unit}, {sample.rate:,.0f}/s", err=True)
    return sample


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    seconds: int
    scratch: Path | None


def run(work: Workload, options: Options) -> Row:
    """The workload on the node and on nginx in turn, `rounds` times."""
    ours: list[Sample] = []
    theirs: list[Sample] = []
    for _ in range(options.rounds):
        if work.nginx:
            theirs.append(once(work, nginx, NginxTarget, options))
        ours.append(once(work, node, NodeTarget, options))
    return Row(work.name, median(ours), median(theirs) if theirs else None)


def change(row: Row, before: dict[str, float]) -> str:
    """How the node's CPU time compares with the run kept before."""
    if row.workload not in before:
        return "–"
    return f"{(row.node.cpu / before[row.workload] - 1) * 100:+.0f}%"


def table(rows: list[Row], before: dict[str, float]) -> str:
    cells = [
        [
            row.workload,
            WORKLOADS[row.workload].unit,
            f"{row.node.rate:,.0f}",
            f"{row.node.p99:.1f}" if row.node.p99 else "–",
            f"{row.node.seconds * 1e3:.1f}" if row.node.seconds else "–",
            f"{row.node.cpu:,.1f}",
            change(row, before),
            f"{row.nginx.cpu:,.1f}" if row.nginx else "–",
            f"{row.ratio:.1f}×" if row.ratio else "–",
        ]
        for row in rows
    ]
    aligned = ("left", "left") + ("right",) * (len(HEADINGS) - 2)
    return tabulate(cells, HEADINGS, tablefmt="simple", colalign=aligned, disable_numparse=True)


def kept_before(file: Path) -> dict[str, float]:
    """CPU time by workload of the run that the file keeps; empty when there is none."""
    if not file.exists():
        return {}
    return {name: row["node"]["cpu"] for name, row in json.loads(file.read_text())["rows"].items()}


def keep(file: Path, rows: list[Row], text: str, md5: float) -> None:
    """Write the run to the file, beside it the table as text; workloads not run this time keep their last figures."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(file.read_text())["rows"] if file.exists() else {}
    kept.update({row.workload: asdict(row) for row in rows})
    file.write_text(json.dumps({"md5_us_per_mib": md5, "rows": kept}, indent=1))
    file.with_suffix(".txt").write_text(text + "\n")


def chosen(only: str) -> list[Workload]:
    names = [name for name in only.split(",") if name] or [*WORKLOADS]
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(WORKLOADS)}")
    return [WORKLOADS[name] for name in names]


HELP = f"{__doc__}\n\nWorkloads:\n\n\b\n" + "\n".join(f"{w.name:10} {w.title}" for w in WORKLOADS.values())


@click.command(help=HELP)
@click.option("--only", default="", help="Workloads to run, separated by commas; all by default.")
@click.option("--rounds", default=3, show_default=True, help="Times that node and nginx are measured in turn.")
@click.option("--seconds", default=8, show_default=True, help="Length of the workloads that run by time.")
@click.option("--scratch", type=click.Path(path_type=Path, file_okay=False), help="Where the servers keep their files.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path(".bench/latest.json"), show_default=True,
    help="The file that keeps the run.",
)  # fmt: skip
def main(only: str, rounds: int, seconds: int, scratch: Path | None, results: Path) -> None:
    options = Options(rounds, seconds, scratch)
    before = kept_before(results)
    rows = [run(work, options) for work in chosen(only)]
    md5 = md5_microseconds_per_mib()
    text = table(rows, before) + f"\n\none MD5 over the same bytes: {md5:,.0f} µs per MiB"
    keep(results, rows, text, md5)
    click.echo(text)
    click.echo(f"kept in {results} and {results.with_suffix('.txt')}; “before” compares with the run kept there last")


if __name__ == "__main__":
    main()
