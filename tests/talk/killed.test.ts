// SPDX-License-Identifier: Apache-2.0
//
// The gateway ends between the send and the answer: it cannot know whether the provider has the message, and says so. A receipt settles it.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { TwilioApi } from "../../sandbox/twilio_api.js";
import { accountSid, authToken, Gateway, publicUrl, until } from "./harness.js";

let gateway: Gateway, api: TwilioApi;
before(async () => {
    api = new TwilioApi({ accountSid, authToken, number: "+15550001111", publicUrl, hook: "/hooks/acme/support-sms" });
    const url = await api.start();
    gateway = await Gateway.start("killed", {
        limits: { channel_lease: "1s" },
        channel: { api_url: url, allow_private: true, uncertain_wait: "10m" }, // so that only a receipt can settle it
    });
    api.gateway = gateway.url;
});
after(async () => {
    await gateway?.stop();
    await api?.stop();
});
beforeEach(() => api.well());

let customers = 0;
const newNumber = () => `+1555620${String(++customers).padStart(4, "0")}`;

async function send(to: string, text: string): Promise<string> {
    const answer = await gateway.api("/v1/messages", { method: "POST", body: { channel: "support-sms", to: `tel:${to}`, text } });
    assert.equal(answer.status, 202, answer.body.toString());
    return answer.json.id;
}

const reaches = (id: string, status: string) =>
    until(async () => {
        const message = await gateway.get(`/v1/messages/${id}`);
        return message.status === status ? message : undefined;
    }, `message ${id} to be ${status}`);

const bodies = (to: string) => api.accepted.all.filter((sms) => sms.to === to).map(({ body }) => body);

/** Two messages; the gateway is killed once the provider has the first, whose answer and receipts are not out yet. */
async function killedBetween(): Promise<{ to: string; first: string; next: string }> {
    const to = newNumber();
    api.fault({ kind: "silence", accepts: true }, { to, times: 1 });
    api.habit({ held: true }, { to, times: 1 });
    const first = await send(to, "first");
    const next = await send(to, "next");
    await api.next((sms) => sms.to === to);
    await gateway.kill9();
    await gateway.up();
    api.gateway = gateway.url;
    return { to, first, next };
}

test("killed between send and answer: uncertain, until the receipt comes after the restart; nothing is sent twice", async () => {
    const { to, first, next } = await killedBetween();
    const message: any = await reaches(first, "uncertain");
    assert.deepEqual(message.attempts.map(({ outcome }: any) => outcome), ["uncertain"]);
    assert.deepEqual(bodies(to), ["first"], "the next one waits: it must not overtake");
    api.receipts.release();
    await reaches(first, "delivered");
    await reaches(next, "delivered");
    assert.deepEqual(bodies(to), ["first", "next"]);
    const told = (await gateway.events()).filter((event) => event.message_id === first).map(({ type }) => type);
    assert.deepEqual(told.slice(0, 2), ["message.queued", "message.uncertain"]);
    assert.equal(told.at(-1), "message.delivered");
});

test("a receipt that comes before anybody knew that the gateway had died settles it, too", async () => {
    const { to, first, next } = await killedBetween();
    api.receipts.release();
    await reaches(first, "delivered");
    await reaches(next, "delivered");
    assert.deepEqual(bodies(to), ["first", "next"]);
    assert.equal(await gateway.count("delivery"), 0);
});

test("what the dead gateway had not begun leaves in its order", async () => {
    const to = newNumber();
    api.fault({ kind: "silence", accepts: true }, { to, times: 1 });
    const ids = [];
    for (let i = 0; i < 10; i++) ids.push(await send(to, `${i}`));
    await api.next((sms) => sms.to === to);
    await gateway.kill9();
    await gateway.up();
    api.gateway = gateway.url;
    await api.receipts.idle();
    await api.receipts.repeat(); // those of the first, if they found nobody
    for (const id of ids) await reaches(id, "delivered");
    assert.deepEqual(bodies(to), ids.map((_, i) => `${i}`));
});
