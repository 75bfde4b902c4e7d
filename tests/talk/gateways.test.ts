// SPDX-License-Identifier: Apache-2.0
//
// Two gateways on one database, with one configuration file: each message is sent by one of them, and either one can die.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bodies, Gateway, newNumber, newProvider, until } from "./harness.js";

const api = newProvider();
const other = newProvider("other-sms", "+15550001113");
let one: Gateway, two: Gateway;
before(async () => {
    one = await Gateway.start("gateways", {
        ownCluster: true,
        limits: { channel_lease: "1s" },
        providers: { "support-sms": api, "other-sms": other },
        channel: { uncertain_wait: "1s" },
        channels: { "other-sms": { uncertain_wait: "1s" } },
    });
    two = await Gateway.beside(one);
});
after(async () => {
    await two?.stop();
    await one?.stop();
});

test("of two gateways one sends, whichever was asked, once and in order", async () => {
    const lines = Array.from({ length: 10 }, newNumber);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) for (const to of lines) ids.push(await (i % 2 ? one : two).send(to, `${i}`));
    for (const id of ids) await one.reaches(id, "delivered");
    for (const to of lines) assert.deepEqual(bodies(api, to), Array.from({ length: 10 }, (_, i) => `${i}`));
    assert.equal(await one.count("attempt where outcome <> 'sent'"), 0);
    assert.equal(await one.sql("select count(distinct gateway_id) from gateway.channel_lease where until > now ()"), "1");
});

test("whichever dies, the other one goes on with its channels", async () => {
    // Both ways, so one of the two had the channels.
    for (const [dies, stays] of [[one, two], [two, one]] as const) {
        const to = newNumber();
        await dies.kill9();
        api.gateway = other.gateway = stays.url;
        const ids = [];
        for (let i = 0; i < 5; i++) ids.push(await stays.send(to, `${i}`));
        for (const id of ids) await stays.reaches(id, "delivered");
        assert.deepEqual(bodies(api, to), ["0", "1", "2", "3", "4"]);
        await dies.up();
    }
});

test("a channel that is paused keeps its messages; others send, and it goes on when it may", async () => {
    const lease = () => one.sql("select until from gateway.channel_lease l join gateway.channel c using (account_id, channel_id) where slug = 'support-sms'");
    /** Once its owner has looked again. */
    const noticed = async () => {
        for (const before of [await lease(), await lease()]) await until(async () => (await lease()) > before, "the lease to be renewed");
    };
    const pause = (at: string) =>
        one.sql(`insert into gateway.channel_state as s (account_id, channel_id, since, paused_at) select account_id, channel_id, now (), ${at} from gateway.channel where slug = 'support-sms' and account_id = (select account_id from gateway.account where slug = 'acme')
                 on conflict (account_id, channel_id) do update set paused_at = excluded.paused_at`);
    await pause("now ()");
    await noticed();
    const to = newNumber();
    const kept = await one.send(to, "not yet");
    await one.reaches(await two.send(to, "elsewhere", { channel: "other-sms" }), "delivered");
    assert.deepEqual(bodies(api, to), []);
    assert.equal((await one.get(`/v1/messages/${kept}`)).status, "queued");
    await pause("null");
    await one.reaches(kept, "delivered");
    assert.deepEqual(bodies(api, to), ["not yet"]);
});

test("a database that stands still for longer than a lease makes nothing go twice or out of order", async () => {
    const lines = Array.from({ length: 10 }, newNumber);
    const sendAll = async (from: number) => {
        for (let i = from; i < from + 5; i++) for (const to of lines) ids.push(await (i % 2 ? one : two).send(to, `${i}`));
    };
    const ids: string[] = [];
    await sendAll(0);
    await one.cluster.frozen(() => new Promise((resolve) => setTimeout(resolve, 1500))); // the lease's second, and half of one more
    await sendAll(5);
    for (const id of ids) await one.reaches(id, "delivered");
    await until(async () => (await one.count("delivery")) === 0, "no delivery left");
    const uncertain = new Set((await one.sql("select distinct message_id from gateway.attempt where outcome = 'uncertain'")).split("\n"));
    for (const [n, to] of lines.entries()) {
        const sent = bodies(api, to).map(Number);
        assert.deepEqual(sent, [...sent].sort((a, b) => a - b), "in order");
        for (let i = 0; i < 10; i++) {
            const times = sent.filter((body) => body === i).length;
            assert.ok(times === 1 || (times > 1 && uncertain.has(ids[i * 10 + n]!)), `${to} got ${i} ${times} times`);
        }
    }
});
