// SPDX-License-Identifier: Apache-2.0
//
// Runs every conversation, or those whose names are given: node build/js/tests/talk/run.js [NAME …]. One PostgreSQL serves them all; those
// that kill it start their own. Ends with a count line and, where anything failed, with 1.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Cluster, onExit } from "./cluster.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = fs
    .readdirSync(here)
    .filter((name) => name.endsWith(".test.js") && (wanted.length === 0 || wanted.includes(name.replace(".test.js", ""))))
    .sort();
if (files.length === 0) {
    console.error("no such conversation");
    process.exit(2);
}

const cluster = await Cluster.start();
// One file after the other: what they measure is waited for, and two gateways under load on two cores hide each other's faults.
let failed = 0;
const totals = { tests: 0, pass: 0, fail: 0 };
for (const name of files) {
    const child = spawn(process.execPath, ["--test", "--test-reporter=tap", path.join(here, name)], {
        env: { ...process.env, SB_TALK_CLUSTER: cluster.directory },
        stdio: ["ignore", "pipe", "inherit"],
    });
    const forget = onExit(() => child.kill());
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        process.stdout.write(chunk);
    });
    const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
    forget();
    if (code !== 0) failed++;
    for (const key of ["tests", "pass", "fail"] as const) totals[key] += Number(new RegExp(`^# ${key} (\\d+)$`, "m").exec(out)?.[1] ?? 0);
}
await cluster.stop();
console.log(`conversations: ${totals.tests} tests in ${files.length} files, ${totals.pass} passed, ${totals.fail} failed`);
process.exit(failed === 0 && totals.fail === 0 ? 0 : 1);
