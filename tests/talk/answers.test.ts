// SPDX-License-Identifier: Apache-2.0
//
// Whatever a provider answers to a send, and however it fails to answer: it is taken for what it can mean, the gateway stays well, and the
// next message goes out.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import type { Fault } from "../../sandbox/faults.js";
import { request } from "../../sandbox/http.js";
import { bodies, Gateway, newNumber, newProvider } from "./harness.js";

const api = newProvider();
const careful = newProvider("careful-sms", "+15550001112");
let gateway: Gateway;
before(async () => {
    const common = { timeout: "2s", give_up_after: "10m", uncertain_wait: "1s" };
    gateway = await Gateway.start("answers", {
        providers: { "support-sms": api, "careful-sms": careful },
        channel: common,
        channels: { "careful-sms": { ...common, on_uncertain: "hold" } },
    });
});
after(() => gateway?.stop());
beforeEach(() => Promise.all([api.well(), careful.well()]));

async function isWell(): Promise<void> {
    assert.equal((await request(`${gateway.url}/livez`)).status, 200);
    assert.equal((await request(`${gateway.url}/readyz`)).status, 200);
}

const outcomes = (message: any): string[] => message.attempts.map(({ outcome }: { outcome: string }) => outcome);

/** One message is answered so, and the next one well; both messages, in the end. */
async function answered(fault: Fault, ends = "delivered"): Promise<{ to: string; first: any; next: any }> {
    const to = newNumber();
    api.fault(fault, { to, times: 1 });
    const first = await gateway.send(to, "first");
    const next = await gateway.send(to, "next");
    await gateway.reaches(first, ends);
    await isWell();
    await gateway.reaches(next, "delivered");
    // The next one left when all was known of the first; a receipt may have been faster than that.
    return { to, first: await gateway.get(`/v1/messages/${first}`), next: await gateway.tried(next, 1) };
}

/* What was not obeyed is sent again: nobody can know, and no receipt tells. */
const unclear: [string, Fault][] = [
    ["a page in HTML with 200", { kind: "html" }],
    ["half an object with 201", { kind: "half", accepts: false }],
    ["an error with 200", { kind: "inside", code: 20500 }],
    ["nothing: the connection is closed", { kind: "close" }],
    ["nothing at all", { kind: "silence" }],
    ["500, and nothing was done", { kind: "broken" }],
    ["500 with Retry-After", { kind: "broken", retryAfter: "1" }],
];
for (const [what, fault] of unclear)
    test(`${what}: uncertain, and sent again after a while`, async () => {
        const { to, first, next } = await answered(fault);
        assert.deepEqual(outcomes(first), ["uncertain", "sent"]);
        assert.deepEqual(outcomes(next), ["sent"]);
        assert.deepEqual(bodies(api, to), ["first", "next"]);
    });

/* What was obeyed is not sent again: its receipt tells. */
const obeyed: [string, Fault][] = [
    ["half an object with 201", { kind: "half" }],
    ["a page in HTML with 200", { kind: "html", accepts: true }],
    ["an error with 200", { kind: "inside", code: 20500, accepts: true }],
    ["a closed connection", { kind: "close", accepts: true }],
    ["no answer in time", { kind: "silence", accepts: true }],
    ["1 GB", { kind: "huge" }],
    ["a byte a second", { kind: "drip" }],
    ["500", { kind: "broken", accepts: true }],
];
for (const [what, fault] of obeyed)
    test(`it has the message, and answers with ${what}: the receipt tells, and nothing is sent twice`, async () => {
        const { to, first } = await answered(fault);
        assert.deepEqual(outcomes(first), ["uncertain"]);
        assert.deepEqual(bodies(api, to), ["first", "next"]);
    });

test("an answer of 1 GB is cut, not kept", async () => {
    const peak = () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${gateway.pid}/status`, "utf8"))![1]);
    const before = peak();
    await answered({ kind: "huge" });
    assert.ok(peak() - before < 100_000, `${peak() - before} kB more than before`);
});

test("an error of its own with 200 is what it says", async () => {
    const { to, first } = await answered({ kind: "inside", code: 21211 }, "failed");
    assert.equal(first.error.provider_code, "21211");
    assert.deepEqual(bodies(api, to), ["next"]);
});

for (const [what, retryAfter] of [["seconds", "1"], ["a date", new Date(Date.now() + 2000).toUTCString()], ["garbage", "soon; or later"], ["nothing", undefined]] as const)
    test(`429 with ${what} in Retry-After: tried again, and nobody is in doubt`, async () => {
        const { to, first } = await answered({ kind: "limit", ...(retryAfter === undefined ? {} : { retryAfter }) });
        assert.deepEqual(outcomes(first), ["retry", "sent"]);
        assert.deepEqual(bodies(api, to), ["first", "next"]);
    });

/** A message that nobody knows of, on the channel that holds such. */
async function held(text: string): Promise<{ to: string; id: string }> {
    const to = newNumber();
    careful.fault({ kind: "close" }, { to, times: 1 });
    const id = await gateway.send(to, text, { channel: "careful-sms" });
    await gateway.reaches(id, "uncertain");
    return { to, id };
}

const settle = (id: string, as: string) => gateway.api(`/v1/messages/${id}/settle`, { method: "POST", body: { as } });

test("held, it is shown, and later messages do not wait for it", async () => {
    const { at } = await gateway.tickets("?limit=1");
    const { to, id } = await held("perhaps");
    await gateway.reaches(await gateway.send(to, "certainly", { channel: "careful-sms" }), "delivered");
    assert.equal((await gateway.get(`/v1/messages/${id}`)).status, "uncertain");
    const { data } = await gateway.get("/v1/messages?status=uncertain");
    assert.ok(data.some((message: any) => message.id === id), "a search finds it");
    const told = (await gateway.events(at)).filter((event) => event.message_id === id).map(({ type }) => type);
    assert.deepEqual(told, ["message.queued", "message.uncertain"]);
    assert.equal((await settle(id, "sent")).status, 200);
    const done = await gateway.reaches(id, "sent");
    assert.deepEqual(outcomes(done), ["uncertain"]);
    assert.deepEqual(bodies(careful, to), ["certainly"]);
    assert.equal((await settle(id, "failed")).status, 409, "what is settled is settled");
});

test("held, it can be settled as failed", async () => {
    const { to, id } = await held("perhaps");
    assert.equal((await settle(id, "failed")).status, 200);
    assert.equal((await gateway.reaches(id, "failed")).error.code, "settled");
    await gateway.reaches(await gateway.send(to, "again", { channel: "careful-sms" }), "delivered");
    assert.deepEqual(bodies(careful, to), ["again"]);
});

test("held, it can be sent again", async () => {
    const { to, id } = await held("perhaps");
    assert.equal((await settle(id, "retry")).status, 200);
    await gateway.reaches(id, "delivered");
    assert.deepEqual(outcomes(await gateway.tried(id, 2)), ["uncertain", "sent"]);
    assert.deepEqual(bodies(careful, to), ["perhaps"]);
});

test("held, a receipt that comes after all settles it", async () => {
    const to = newNumber();
    careful.fault({ kind: "close", accepts: true }, { to, times: 1 });
    careful.habit({ held: true }, { to, times: 1 });
    const id = await gateway.send(to, "once", { channel: "careful-sms" });
    await gateway.reaches(id, "uncertain");
    careful.receipts.release();
    await gateway.reaches(id, "delivered");
    assert.deepEqual(bodies(careful, to), ["once"]);
});
