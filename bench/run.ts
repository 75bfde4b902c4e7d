// SPDX-License-Identifier: Apache-2.0
//
// Measures the bars of docs/performance.md in one run, interleaved, rows counted after each: bench/run [--only in|whatsapp|out] [--rounds N] [--rows N]. With
// --only, the document stays as it is.

import * as fs from "node:fs";
import * as os from "node:os";
import { measureIn, measureWhatsApp } from "./in.js";
import { rows } from "./measure.js";
import { measureOut } from "./out.js";

const text = (name: string): string | undefined => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : undefined);
const option = (name: string, fallback: number): number => Number(text(name)) || fallback;
const rounds = option("rounds", 5);
const only = text("only");

if (!only || only === "in") await measureIn(rounds, option("rows", 1_000_000));
if (!only || only === "whatsapp") await measureWhatsApp(rounds);
if (!only || only === "out") await measureOut(rounds);
fs.writeFileSync("build/bench.json", JSON.stringify(rows, null, 2) + "\n");
if (!only) writeDocument();
process.exit(rows.every((row) => row.ok) ? 0 : 1);

function writeDocument(): void {
    const cpu = os.cpus();
    fs.writeFileSync(
        "docs/performance.md",
        `# Performance

What \`make bench\` measured on ${new Date().toISOString().slice(0, 10)}: ${cpu.length} × ${cpu[0]?.model ?? "unknown processor"}, ${Math.round(os.totalmem() / 2 ** 30)} GB,
PostgreSQL 15 on the same machine over a Unix socket, fsync on, load generator included. Medians of ${rounds} interleaved rounds; rows were counted after
each. Latencies are of windows of 5 s, each after a sync. The machine is shared: read the ratios.

| what | measured | bar | unit | |
|---|---|---|---|---|
${rows.map((row) => `| ${row.name} | ${row.value} | ${row.bar ?? ""} | ${row.unit} | ${row.bar === null ? "" : row.ok ? "met" : "**missed**"} |`).join("\n")}
`,
    );
}
