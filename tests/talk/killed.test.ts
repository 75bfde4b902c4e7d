// SPDX-License-Identifier: Apache-2.0
//
// The gateway ends between the send and the answer: it cannot know whether the provider has the message, and says so. A receipt settles it.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { bodies, Gateway, newNumber, newProvider } from "./harness.js";

const api = newProvider();
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("killed", {
        limits: { channel_lease: "1s" },
        providers: { "support-sms": api },
        channel: { uncertain_wait: "10m" }, // so that only a receipt can settle it
    });
});
after(() => gateway?.stop());
beforeEach(() => api.well());

/** Two messages; the gateway is killed once the provider has the first, whose answer and receipts are not out yet. */
async function killedBetween(): Promise<{ to: string; first: string; next: string }> {
    const to = newNumber();
    api.fault({ kind: "silence", accepts: true }, { to, times: 1 });
    api.habit({ held: true }, { to, times: 1 });
    const first = await gateway.send(to, "first");
    const next = await gateway.send(to, "next");
    await api.next((sms) => sms.to === to);
    await gateway.kill9();
    await gateway.up();
    return { to, first, next };
}

test("killed between send and answer: uncertain, until the receipt comes after the restart; nothing is sent twice", async () => {
    const { to, first, next } = await killedBetween();
    const message = await gateway.reaches(first, "uncertain");
    assert.deepEqual(message.attempts.map(({ outcome }: any) => outcome), ["uncertain"]);
    assert.deepEqual(bodies(api, to), ["first"], "the next one waits: it must not overtake");
    api.receipts.release();
    await gateway.reaches(first, "delivered");
    await gateway.reaches(next, "delivered");
    assert.deepEqual(bodies(api, to), ["first", "next"]);
    const told = (await gateway.events()).filter((event) => event.message_id === first).map(({ type }) => type);
    assert.deepEqual(told.slice(0, 2), ["message.queued", "message.uncertain"]);
    assert.equal(told.at(-1), "message.delivered");
});

test("a receipt that comes before anybody knew that the gateway had died settles it, too", async () => {
    const { to, first, next } = await killedBetween();
    api.receipts.release();
    await gateway.reaches(first, "delivered");
    await gateway.reaches(next, "delivered");
    assert.deepEqual(bodies(api, to), ["first", "next"]);
    assert.equal(await gateway.count("delivery"), 0);
});

test("what the dead gateway had not begun leaves in its order", async () => {
    const to = newNumber();
    api.fault({ kind: "silence", accepts: true }, { to, times: 1 });
    const ids = [];
    for (let i = 0; i < 10; i++) ids.push(await gateway.send(to, `${i}`));
    await api.next((sms) => sms.to === to);
    await gateway.kill9();
    await gateway.up();
    await api.receipts.idle();
    await api.receipts.repeat(); // those of the first, if they found nobody
    for (const id of ids) await gateway.reaches(id, "delivered");
    assert.deepEqual(bodies(api, to), ids.map((_, i) => `${i}`));
});
