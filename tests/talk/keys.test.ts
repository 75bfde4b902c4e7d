// SPDX-License-Identifier: Apache-2.0
//
// Keys: found once, remembered for a moment, gone soon after they are revoked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, until } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("keys");
});
after(() => gateway?.stop());

/** How often the table of keys was searched. Backends tell their counts at the latest when they end. */
async function searches(): Promise<number> {
    await gateway.restart();
    const backends = "pg_stat_activity where application_name = 'switchboard api' and datname = current_database()";
    await until(async () => (await gateway.sql(`select count(*) from ${backends}`)) === "4", "the old backends to end");
    return Number(await gateway.sql("select seq_scan + coalesce(idx_scan, 0) from pg_stat_user_tables where relid = 'gateway.key'::regclass"));
}

test("a key that is used again and again is not looked up each time, with the same answers", async () => {
    const reader = await gateway.makeKey("acme", "tickets:read");
    const before = await searches();
    for (let i = 0; i < 100; i++) {
        assert.equal((await gateway.api("/v1/tickets?limit=1", { key: reader })).status, 200);
        assert.equal((await gateway.api("/v1/quarantine", { key: reader })).status, 403, "what it may do is remembered, too");
        assert.equal((await gateway.api("/v1/tickets?limit=1", { key: gateway.otherKey })).status, 200);
    }
    const made = (await searches()) - before;
    assert.ok(made >= 2 && made < 100, `${made} searches for 300 requests`);
});

test("a key that was in use is refused soon after it is revoked, and so is one whose account left", async () => {
    const key = await gateway.makeKey("globex");
    const other = gateway.otherKey;
    const status = async (one: string) => (await gateway.api("/v1/tickets?limit=1", { key: one })).status;
    assert.equal(await status(key), 200);
    const list = () => gateway.must(["key", "list", "--account", "globex"]);
    const line = new RegExp(`^\\S+Z  globex  (\\S+)  …${key.slice(-4)}  good     everything  .+$`, "m").exec(await list());
    assert.equal(await gateway.must(["key", "revoke", line![1]!]), `key …${key.slice(-4)} is revoked\n`);
    assert.match(await list(), new RegExp(`…${key.slice(-4)}  revoked  everything`));
    assert.ok(!(await list()).includes(key));
    await until(async () => (await status(key)) === 401, "the revoked key to be refused");
    assert.equal(await status(other), 200, "its neighbour is not");
    await gateway.sql("update gateway.account set disabled_at = now() where slug = 'globex'");
    await until(async () => (await status(other)) === 401, "the account's keys to be refused");
    assert.equal(await status(gateway.key), 200);
});
