// SPDX-License-Identifier: Apache-2.0
//
// What a machine that watches the gateway is told, and where it can be reached.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { Gateway, until } from "./harness.js";

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
