// SPDX-License-Identifier: Apache-2.0
//
// What a machine that watches the gateway is told, and where it can be reached.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { authToken, binary, Gateway, until } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("health", { ownCluster: true });
});
after(() => gateway?.stop());

const ask = (path: string) => gateway.api(path, { key: null });

/** Waits until readyz has that status; meanwhile livez must be well. */
async function readiness(status: number, what: string): Promise<void> {
    await until(async () => {
        assert.equal((await ask("/livez")).status, 200, "the program itself is well");
        return (await ask("/readyz")).status === status;
    }, what);
}

test("a gateway that has nothing to do still notices that its database is gone, and that it is back", async () => {
    await readiness(200, "the gateway to be ready");
    await gateway.cluster.down("fast");
    await readiness(503, "readyz to notice the stop");
    assert.match((await ask("/readyz")).json.detail, /database/);
    await gateway.cluster.up();
    await readiness(200, "readyz to notice the return");
});

test("a database that accepts but answers nothing is none, and keeps nobody from being told so", async () => {
    await readiness(200, "the gateway to be ready");
    await gateway.cluster.frozen(() => readiness(503, "readyz to notice the silence"));
    await readiness(200, "readyz to notice the answers");
});

test("a gateway that nobody waits for ends in order, though its database is silent", async () => {
    await gateway.cluster.frozen(async () => {
        await readiness(503, "readyz to notice the silence");
        assert.equal(await gateway.down(), 0);
    });
    await gateway.up();
});

test("while its database is silent, whoever asks is told so, and SIGTERM ends it all the same", async () => {
    const sender = gateway.sandbox({ retry: false });
    const headers = { authorization: `Bearer ${gateway.key}` };
    /** Statuses of hooks and API requests; 0: no answer, as of those that came too late to be let in. */
    const ask = (n: number) =>
        Promise.all(
            Array.from({ length: n }, (_, i) => [
                sender.receive({ from: `+1555777${1000 + i}`, body: "into the silence" }, { timeout: 60_000 }),
                request(`${gateway.url}/v1/tickets`, { headers, timeout: 60_000 }).catch(() => ({ status: 0 })),
            ]).flat(),
        ).then((answers) => [...new Set(answers.map((answer) => answer.status))].sort());
    await readiness(200, "the gateway to be ready");
    await gateway.cluster.frozen(async () => {
        const first = ask(20);
        await readiness(503, "readyz to notice the silence");
        const second = ask(10);
        assert.deepEqual(await first, [503]);
        assert.deepEqual(await second, [503]);
        const last = ask(10);
        assert.equal(await gateway.down(), 0);
        for (const status of await last) assert.ok([0, 503].includes(status), String(status));
    });
    await gateway.up();
});

test("it takes as many open files as its limits need, and says so where the system does not allow them", async () => {
    const start = (shell: string) => {
        const child = spawn("sh", ["-c", `${shell}; exec "${binary}" serve`], {
            env: { ...process.env, SWITCHBOARD_CONFIG: gateway.configFile, TWILIO_TOKEN: authToken },
            stdio: ["ignore", "pipe", "pipe"],
        });
        let log = "";
        child.stderr.on("data", (piece: Buffer) => (log += piece.toString()));
        const ended = new Promise((resolve) => child.once("close", resolve));
        const ready = new Promise((resolve) => child.stdout.once("data", resolve));
        return { child, ready: Promise.race([ready, ended]), ended, log: () => log };
    };
    for (const [shell, warned] of [["ulimit -Sn 200", false], ["ulimit -n 1000", true]] as const) {
        const { child, ready, ended, log } = start(shell);
        await ready;
        const soft = Number(/^Max open files +(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/limits`, "utf8"))?.[1]);
        assert.ok(warned ? soft === 1000 : soft > 2 * 4000, `${soft} open files after ${shell}`);
        child.kill("SIGTERM");
        await ended;
        assert.equal(log().includes("gateway.files"), warned, log());
    }
});

test("it listens where the configuration says: on IPv6, too", async () => {
    const old = fs.readFileSync(gateway.configFile, "utf8");
    fs.writeFileSync(gateway.configFile, old.replace('http: "127.0.0.1:0"', 'http: "[::1]:0"'));
    await gateway.restart();
    assert.match(gateway.url, /^http:\/\/\[::1\]:\d+$/);
    assert.equal((await request(`${gateway.url}/readyz`)).status, 200);
    assert.equal((await gateway.twilio.receive({ from: "+15557770001", body: "over IPv6" })).status, 200);
    assert.equal((await gateway.ticketOf("+15557770001")).last_message?.text, "over IPv6");
    fs.writeFileSync(gateway.configFile, old);
    await gateway.restart();
});
