// SPDX-License-Identifier: Apache-2.0
//
// What agents say leaves through the channel that the customer wrote to: once, in order, and its fate is known.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { TwilioApi } from "../../sandbox/twilio_api.js";
import { accountSid, authToken, Gateway, publicUrl, until } from "./harness.js";

let gateway: Gateway, api: TwilioApi;
before(async () => {
    api = new TwilioApi({ accountSid, authToken, number: "+15550001111", publicUrl, hook: "/hooks/acme/support-sms" });
    const url = await api.start();
    gateway = await Gateway.start("out", { channel: { api_url: url, allow_private: true, uncertain_wait: "1s", timeout: "2s", give_up_after: "1m" } });
    api.gateway = gateway.url;
});
after(async () => {
    await gateway?.stop();
    await api?.stop();
});
beforeEach(() => api.well());

let customers = 0;
const newNumber = () => `+1555600${String(++customers).padStart(4, "0")}`;

async function newTicket(): Promise<{ id: string; from: string }> {
    const from = newNumber();
    assert.equal((await api.receive({ from, body: "hello" })).status, 200);
    return { id: (await gateway.ticketOf(from)).id, from };
}

async function say(ticket: string, body: object): Promise<any> {
    const answer = await gateway.api(`/v1/tickets/${ticket}/messages`, { method: "POST", body });
    assert.equal(answer.status, 202, answer.body.toString());
    return answer.json;
}

/** The message, once it is as promised. */
async function reaches(id: string, status: string): Promise<any> {
    let message: any;
    await until(async () => {
        message = await gateway.get(`/v1/messages/${id}`);
        return message.status === status;
    }, `message ${id} to be ${status}; it is ${JSON.stringify(message)}`);
    return message;
}

/** Once as many attempts are noted: a receipt may come before its send is. */
async function outcomes(id: string, n: number): Promise<string[]> {
    let attempts: { outcome: string }[] = [];
    await until(async () => (attempts = (await gateway.get(`/v1/messages/${id}`)).attempts).length >= n, `${n} attempts of ${id}`);
    return attempts.map(({ outcome }) => outcome);
}

test("an answer reaches the customer's phone, and its fate is known", async () => {
    const { id, from } = await newTicket();
    const { id: message } = await say(id, { text: "It is on its way." });
    const sms = await api.next(({ to }) => to === from);
    assert.deepEqual([sms.body, sms.from], ["It is on its way.", "+15550001111"]);
    const done = await reaches(message, "delivered");
    assert.equal(done.parts.length, 1);
    assert.equal(done.parts[0].external_id, sms.sid);
    assert.equal((await outcomes(done.id, 1)).length, 1);
    assert.deepEqual(done.segments, { segments: 1, encoding: "GSM-7", units: 17 });
    assert.deepEqual(done.receipts.map(({ status }: { status: string }) => status), ["sent", "delivered"]);
});

test("answers to one customer leave one after the other", async () => {
    const { id, from } = await newTicket();
    const n = 20;
    for (let i = 0; i < n; i++) await say(id, { text: `answer ${i}` });
    await api.accepted.until(() => (api.accepted.all.filter(({ to }) => to === from).length >= n ? true : undefined), "all answers");
    assert.deepEqual(api.accepted.all.filter(({ to }) => to === from).map(({ body }) => body), Array.from({ length: n }, (_, i) => `answer ${i}`));
});

test("read, delivered and sent, told in that order and before the answer to the send: read", async () => {
    const { id, from } = await newTicket();
    api.habit({ statuses: ["sent", "delivered", "read"], order: "reversed", early: true }, { to: from });
    const { id: message } = await say(id, { text: "quick" });
    await reaches(message, "read");
});

test("an answer that got lost is uncertain; the receipt settles it, and nothing is sent twice", async () => {
    const { id, from } = await newTicket();
    api.fault({ kind: "close", accepts: true }, { to: from, times: 1 });
    api.habit({ held: true }, { to: from, times: 1 });
    const { at } = await gateway.tickets("?limit=1");
    const { id: message } = await say(id, { text: "once" });
    const { id: next } = await say(id, { text: "then this" });
    await reaches(message, "uncertain");
    api.receipts.release();
    await reaches(message, "delivered");
    await reaches(next, "delivered");
    assert.deepEqual(api.accepted.all.filter(({ to }) => to === from).map(({ body }) => body), ["once", "then this"]);
    const { data } = await gateway.get(`/v1/events?after=${at}&limit=200`);
    const types = data.filter((event: any) => event.message_id === message).map(({ type }: { type: string }) => type);
    assert.deepEqual(types.slice(0, 2), ["message.queued", "message.uncertain"]);
});

test("an answer that got lost without a receipt is sent again after a while", async () => {
    const { id, from } = await newTicket();
    api.fault({ kind: "close", accepts: false }, { to: from, times: 1 });
    const { id: message } = await say(id, { text: "perhaps" });
    await reaches(message, "delivered");
    assert.deepEqual(await outcomes(message, 2), ["uncertain", "sent"]);
});

test("what the provider refuses has failed, and says why", async () => {
    const { id, from } = await newTicket();
    api.fault({ kind: "error", code: 21211 }, { to: from, times: 1 });
    const { id: message } = await say(id, { text: "nowhere" });
    const done = await reaches(message, "failed");
    assert.equal(done.error.provider_code, "21211");
});

test("a provider that asks for patience gets it", async () => {
    const { id, from } = await newTicket();
    api.fault({ kind: "limit", retryAfter: "1" }, { to: from, times: 1 });
    const { id: message } = await say(id, { text: "patience" });
    await reaches(message, "delivered");
    assert.deepEqual(await outcomes(message, 2), ["retry", "sent"]);
});

test("a provider that answers probes and takes no message is down once, tried now and then, and up when a message is out", async () => {
    const tickets = await Promise.all(Array.from({ length: 5 }, newTicket));
    const { at } = await gateway.tickets("?limit=1");
    const told = async () => (await gateway.events(at)).filter(({ type }) => type.startsWith("channel.")).map(({ type }) => type);
    const over = new Promise<void>((done) => api.fault({ kind: "broken" }, { of: "send", times: 8, done }));
    const messages = await Promise.all(tickets.map(({ id }) => say(id, { text: "is anybody there?" })));
    await over;
    assert.deepEqual(await told(), ["channel.down"], "one alarm, whatever probes say");
    for (const { id } of messages) await reaches(id, "delivered");
    await until(async () => (await told()).length > 1, "the end of the alarm");
    assert.deepEqual(await told(), ["channel.down", "channel.up"]);
});

test("files go as URLs that the provider fetches", async () => {
    const { id, from } = await newTicket();
    const upload = await gateway.api("/v1/attachments?name=a.png", { method: "POST", body: Buffer.from("a picture"), headers: { "content-type": "image/png" } });
    assert.equal(upload.status, 201);
    const { id: message } = await say(id, { text: "look", attachments: [upload.json.id] });
    await reaches(message, "delivered");
    const sms = await api.next(({ to }) => to === from);
    assert.equal(sms.fetched.length, 1);
    assert.deepEqual([sms.fetched[0]!.status, sms.fetched[0]!.type, sms.fetched[0]!.bytes.toString()], [200, "image/png", "a picture"]);
});

test("files that are too large for one MMS go in several, in their order, and each part has its fate", async () => {
    const { id, from } = await newTicket();
    const pictures = [1, 2, 3].map((n) => Buffer.alloc(2_000_000, n));
    const uploads: string[] = [];
    for (const body of pictures) {
        const upload = await gateway.api("/v1/attachments?name=a.png", { method: "POST", body, headers: { "content-type": "image/png" } });
        assert.equal(upload.status, 201);
        uploads.push(upload.json.id);
    }
    const { id: message } = await say(id, { text: "look", attachments: uploads });
    const done = await reaches(message, "delivered"); // by then the files are fetched
    const first = await api.next(({ to }) => to === from);
    const second = await api.next(({ to }) => to === from);
    assert.deepEqual([first.body, first.fetched.length, second.body, second.fetched.length], ["look", 2, "", 1]);
    assert.ok([...first.fetched, ...second.fetched].every(({ bytes }, i) => bytes.equals(pictures[i]!)));
    assert.deepEqual(done.parts.map((part: any) => [part.external_id, part.status]), [[first.sid, "delivered"], [second.sid, "delivered"]]);
});

test("who says STOP gets nothing more, and START ends that", async () => {
    const { id, from } = await newTicket();
    await api.receive({ from, body: "STOP" });
    const refused = await gateway.api(`/v1/tickets/${id}/messages`, { method: "POST", body: { text: "but" } });
    assert.equal(refused.status, 409);
    assert.match(refused.json.detail, /opted out/);
    await api.receive({ from, body: "START" });
    const { id: message } = await say(id, { text: "welcome back" });
    await reaches(message, "delivered");
});

test("a provider that is dead is a channel that is down, and comes up again by itself", async () => {
    const { id } = await newTicket();
    await api.die();
    const { id: message } = await say(id, { text: "when you are back" });
    const lines = [];
    for (let i = 0; i < 6; i++) lines.push(await say((await newTicketQuietly()).id, { text: `one of many ${i}` }));
    await until(async () => (await gateway.get("/v1/events?after=0&limit=200")).data.some((event: any) => event.type === "channel.down"), "channel.down");
    await api.well();
    await reaches(message, "delivered");
    for (const line of lines) await reaches(line.id, "delivered");
});

test("metrics tell what became of every attempt", async () => {
    const before = await gateway.metrics();
    const { id, from } = await newTicket();
    api.fault({ kind: "error", code: 21211 }, { to: from, times: 1 });
    await reaches((await say(id, { text: "nowhere" })).id, "failed");
    await reaches((await say(id, { text: "here" })).id, "delivered");
    const now = await gateway.metrics();
    const rise = (outcome: string) => now.get(`gw_send_attempts_total{class="${outcome}"}`)! - before.get(`gw_send_attempts_total{class="${outcome}"}`)!;
    assert.deepEqual([rise("sent"), rise("failed"), rise("uncertain")], [1, 1, 0]);
});

async function newTicketQuietly(): Promise<{ id: string }> {
    const from = newNumber();
    await gateway.twilio.receive({ from, body: "hello" });
    return gateway.ticketOf(from);
}
