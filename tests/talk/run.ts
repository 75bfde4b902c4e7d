// SPDX-License-Identifier: Apache-2.0
//
// Runs every conversation, or those whose names are given: node build/js/tests/talk/run.js [NAME …]. One PostgreSQL serves them all; those
// that kill it start their own. SB_TALK_AT_ONCE files run at once (default: 2, or 1 on one core), the ledgers alone; each is printed whole when it
// has ended. Ends with a count line and, where anything failed, with 1.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Cluster, onExit } from "./cluster.js";

/** Their senders go on while the gateway is dead, and would reach another file's gateway that has got the same port: nothing runs beside them. */
const alone = ["ledger", "ledger_out"];
/** Those that take longest begin first, so that none of them is left alone at the end. */
const longest = ["health", "channels", "failure", "bulk", "strangers"];

const here = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const rank = (name: string) => (longest.indexOf(name) + longest.length + 1) % (longest.length + 1);
const names = fs
    .readdirSync(here)
    .filter((file) => file.endsWith(".test.js"))
    .map((file) => file.replace(".test.js", ""))
    .filter((name) => wanted.length === 0 || wanted.includes(name))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
if (names.length === 0) {
    console.error("no such conversation");
    process.exit(2);
}

const cluster = await Cluster.start();
let failed = 0;
const totals = { tests: 0, pass: 0, fail: 0 };

/** One file to its end. */
async function converse(name: string): Promise<void> {
    const child = spawn(process.execPath, ["--test", "--test-reporter=tap", path.join(here, `${name}.test.js`)], {
        env: { ...process.env, SB_TALK_SOCKET: cluster.socket },
        stdio: ["ignore", "pipe", "pipe"],
    });
    const forget = onExit(() => child.kill());
    const out: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => out.push(piece));
    const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
    forget();
    if (code !== 0) failed++;
    const text = Buffer.concat(out).toString();
    process.stdout.write(`# ${name}\n${text}`);
    for (const key of ["tests", "pass", "fail"] as const) totals[key] += Number(new RegExp(`^# ${key} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

const count = names.length;
for (const name of alone.filter((one) => names.includes(one))) {
    await converse(name);
    names.splice(names.indexOf(name), 1);
}
const atOnce = Number(process.env["SB_TALK_AT_ONCE"]) || Math.min(2, os.cpus().length);
await Promise.all(
    Array.from({ length: atOnce }, async () => {
        for (let name = names.shift(); name !== undefined; name = names.shift()) await converse(name);
    }),
);
await cluster.stop();
console.log(`conversations: ${totals.tests} tests in ${count} files, ${totals.pass} passed, ${totals.fail} failed`);
process.exit(failed === 0 && totals.fail === 0 ? 0 : 1);
