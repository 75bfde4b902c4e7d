// SPDX-License-Identifier: Apache-2.0
//
// Hundreds of bulk messages wait for a channel that may send so many a second: agents' replies do not wait behind them, and who opts out
// meanwhile gets none.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, newProvider, until } from "./harness.js";

const bulk = 300;
/** Further bulk messages that may leave before a reply that was acknowledged: what was claimed already, and what its own way takes. */
const overtakenBy = 25;

const api = newProvider();
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("bulk", { providers: { "support-sms": api }, channel: { rate: "20/s" } });
});
after(() => gateway?.stop());

const numberOf = (n: number) => `+1555630${String(n).padStart(4, "0")}`;

test("an agent's reply overtakes bulk, and who says STOP meanwhile gets nothing more", { timeout: 180_000 }, async () => {
    // Two for each customer, so that lines have bulk waiting too. It all waits before the first of it leaves.
    await gateway.must(["channel", "pause", "acme/support-sms"]);
    const ids: { to: string; id: string }[] = [];
    for (let i = 0; i < bulk; i++) {
        const to = numberOf(i % (bulk / 2));
        ids.push({ to, id: await gateway.send(to, `offer ${i}`, { lane: "bulk" }) });
    }
    await gateway.must(["channel", "resume", "acme/support-sms"]);

    const reply = async (to: string, text: string): Promise<number> => {
        const id = await gateway.send(to, text, { lane: "normal" });
        const before = api.accepted.all.length;
        await api.next((sms) => sms.body === text);
        const overtook = api.accepted.all.findIndex((sms) => sms.body === text) - before;
        assert.ok(overtook <= overtakenBy, `${overtook} bulk messages went before "${text}"`);
        assert.ok(api.accepted.all.length < bulk, "bulk was still waiting");
        return ids.push({ to, id });
    };
    await reply("+15556399999", "a reply to somebody else");
    const last = numberOf(bulk / 2 - 1);
    assert.ok(api.accepted.all.every((sms) => sms.to !== last || sms.body === `offer ${bulk / 2 - 1}`));
    await reply(last, "a reply on a line where bulk waits");

    // Three customers whose second message waits yet.
    const leaving = [1, 2, 3].map((n) => numberOf(bulk / 2 - 1 - n));
    for (const from of leaving) assert.equal((await api.receive({ from, body: "STOP" })).status, 200);
    const had = leaving.map((to) => api.accepted.all.filter((sms) => sms.to === to).length);
    for (const n of had) assert.ok(n < 2, "a message of theirs was still waiting");

    await until(async () => (await gateway.count("delivery")) === 0, "all of it to be sent or refused", 120_000);
    await api.receipts.idle();
    for (const { to, id } of ids) {
        const message = await until(async () => {
            const one = await gateway.get(`/v1/messages/${id}`);
            return one.status === "delivered" || one.status === "failed" ? one : undefined;
        }, `the end of ${id}`);
        if (!leaving.includes(to)) assert.equal(message.status, "delivered");
        else if (message.status === "failed") assert.equal(message.error.code, "opted_out");
    }
    assert.deepEqual(leaving.map((to) => api.accepted.all.filter((sms) => sms.to === to).length), had, "none of the three got another");
    const failed = await gateway.sql("select count(*) from gateway.message where status = 'failed' and error ->> 'code' = 'opted_out'");
    assert.equal(Number(failed), leaving.length * 2 - had.reduce((sum, n) => sum + n, 0));
    // Each line's own messages in their order.
    for (let n = 0; n < bulk / 2; n++) {
        const mine = api.accepted.all.filter((sms) => sms.to === numberOf(n) && sms.body.startsWith("offer")).map(({ body }) => Number(body.slice(6)));
        assert.deepEqual(mine, [...mine].sort((a, b) => a - b));
    }
});
