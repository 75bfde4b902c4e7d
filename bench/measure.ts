// SPDX-License-Identifier: Apache-2.0
//
// What the benches share: rows with their bars, a gateway on a PostgreSQL of its own, loads whose rows are counted.

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { promisify } from "node:util";
import { authToken, Gateway, meta, publicUrl, type Options } from "../tests/talk/harness.js";

export const run = promisify(execFile);
const pgbenchProgram = "/usr/lib/postgresql/15/bin/pgbench";

export interface Row {
    name: string;
    value: number;
    /** Null: there is none. */
    bar: number | null;
    unit: string;
    ok: boolean;
}
export const rows: Row[] = [];
/** bar: NaN where there is none. */
export function report(name: string, value: number, bar: number, unit: string, atMost = false): void {
    const rounded = (n: number): number => Math.round(n * 100) / 100;
    const row = { name, value: rounded(value), bar: isNaN(bar) ? null : rounded(bar), unit, ok: isNaN(bar) || (atMost ? value <= bar : value >= bar) };
    rows.push(row);
    console.log(`${row.ok ? "ok  " : "MISS"} ${name}: ${row.value} ${unit} ${row.bar === null ? "" : `(bar: at ${atMost ? "most" : "least"} ${row.bar})`}`);
}

export const median = (values: number[]): number => quantile(values, 0.5);
export const quantile = (values: number[], q: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;

export async function startGateway(name: string, options: Options = {}): Promise<Gateway> {
    const gateway = await Gateway.start(name, { ownCluster: true, ...options });
    for (const setting of ["shared_buffers='1GB'", "max_wal_size='8GB'", "min_wal_size='2GB'", "checkpoint_timeout='15min'", "wal_compression='lz4'", "autovacuum_naptime='5s'"])
        await gateway.sql(`alter system set ${setting}`);
    await gateway.down();
    await gateway.cluster.down("fast");
    await gateway.cluster.up();
    await gateway.up();
    await gateway.sql(`set search_path = ${await functions(gateway)}, pg_catalog; ${fs.readFileSync("bench/bench.sql", "utf8")}`);
    await makeLogFiles(gateway);
    return gateway;
}

/** As on a server that has run for a day: its files of write-ahead log are there and used again, none has to be made in the middle of a burst. */
async function makeLogFiles(gateway: Gateway): Promise<void> {
    await gateway.sql("do $$ begin for i in 1..250 loop perform pg_logical_emit_message (false, 'bench', repeat (md5 (i::text), 260000)); end loop; end $$");
    await gateway.sql("checkpoint");
}

async function functions(gateway: Gateway): Promise<string> {
    return gateway.sql("select name from gateway.build order by used_at desc limit 1");
}

/** pgbench of one statement that calls functions of the gateway's or of bench.sql. */
export async function pgbench(gateway: Gateway, statement: string, clients: number, howLong: { seconds: number } | { transactions: number }): Promise<void> {
    const script = `${gateway.directory}/bench.sql`;
    fs.writeFileSync(script, `${statement};\n`);
    fs.chmodSync(gateway.directory, 0o755);
    const end = "seconds" in howLong ? ["-T", String(howLong.seconds)] : ["-t", String(howLong.transactions)];
    await run(
        pgbenchProgram,
        ["-h", gateway.cluster.socket, "-U", "postgres", "-n", "-M", "prepared", "-c", String(clients), "-j", "1", ...end, "-f", script, gateway.database],
        { env: { ...process.env, PGOPTIONS: `-c search_path=${await functions(gateway)},pg_catalog -c jit=off` } },
    );
}

export interface Load {
    acknowledged: number;
    refused: number;
    rate: number;
    p50: number;
    p99: number;
}
let nRuns = 0;
/** Twilio's URL and secret, and Meta's. */
const senders = {
    twilio: ["--url", `${publicUrl}/hooks/acme/support-sms`, "--token", authToken],
    whatsapp: ["--url", `${publicUrl}/hooks/acme/wa`, "--token", meta.appSecret, "--whatsapp"],
};

/** Signed webhooks; what: so many messages, or the receipts of the messages in a file. */
export async function load(gateway: Gateway, what: number | string, connections: number, extra: string[] = [], sender: keyof typeof senders = "twilio"): Promise<Load> {
    const { stdout } = await run("build/bench/load", [
        "--port", new URL(gateway.url).port, ...senders[sender],
        ...(typeof what === "number" ? ["--messages", String(what), "--run", String(++nRuns).padStart(2, "0")] : ["--receipts", what]),
        "--connections", String(connections), ...extra,
    ]).catch((error: unknown) => {
        throw new Error(`${String(error)}\nthe gateway's last words:\n${gateway.logText().slice(-2000)}`);
    });
    const result = JSON.parse(stdout) as Load;
    if (result.refused) throw new Error(`${result.refused} refused`);
    return result;
}

/** Seconds that a process and those it had started, and that have ended, have had of the processors. */
function processorTime(pid: number): number {
    try {
        const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ").map(Number);
        return (fields[11]! + fields[12]! + fields[13]! + fields[14]!) / 100;
    } catch {
        return 0; // it ended just now
    }
}

/** What a message costs: runs it, and says how many µs of processor time the gateway and PostgreSQL took for each of n messages. */
export async function costed<T>(gateway: Gateway, n: number, what: string, during: () => Promise<T>): Promise<T> {
    const server = gateway.cluster.pid();
    const database = (): number =>
        [server, ...fs.readFileSync(`/proc/${server}/task/${server}/children`, "utf8").trim().split(" ").map(Number)].reduce((sum, pid) => sum + processorTime(pid), 0);
    const before = [processorTime(gateway.pid), database()] as const;
    const result = await during();
    const cost = [processorTime(gateway.pid) - before[0], database() - before[1]].map((seconds) => Math.round((seconds * 1e6) / n));
    console.log(`     (${what}: ${cost[0]} µs of processor time in the gateway and ${cost[1]} µs in PostgreSQL for each)`);
    return result;
}
