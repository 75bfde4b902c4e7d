// SPDX-License-Identifier: Apache-2.0
//
// What agents say leaves through the channel that the customer wrote to: once, in order, and its fate is known.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { bodies, Gateway, newProvider, until } from "./harness.js";

const api = newProvider();
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("out", { providers: { "support-sms": api }, channel: { uncertain_wait: "1s", timeout: "2s", give_up_after: "1m" } });
});
after(() => gateway?.stop());
beforeEach(() => api.well());

const outcomes = async (id: string, n: number): Promise<string[]> => (await gateway.tried(id, n)).attempts.map(({ outcome }: { outcome: string }) => outcome);

/** A picture that may be sent; its id. */
async function upload(body: Buffer): Promise<string> {
    const answer = await gateway.api("/v1/attachments?name=a.png", { method: "POST", body, headers: { "content-type": "image/png" } });
    assert.equal(answer.status, 201);
    return answer.json.id;
}

test("an answer reaches the customer's phone, and its fate is known", async () => {
    const { id, from } = await gateway.newTicket();
    const message = await gateway.reply(id, "It is on its way.");
    const sms = await api.next(({ to }) => to === from);
    assert.deepEqual([sms.body, sms.from], ["It is on its way.", "+15550001111"]);
    const done = await gateway.reaches(message, "delivered");
    assert.equal(done.parts.length, 1);
    assert.equal(done.parts[0].external_id, sms.sid);
    assert.equal((await outcomes(done.id, 1)).length, 1);
    assert.deepEqual(done.segments, { segments: 1, encoding: "GSM-7", units: 17 });
    assert.deepEqual(done.receipts.map(({ status }: { status: string }) => status), ["sent", "delivered"]);
});

test("answers to one customer leave one after the other", async () => {
    const { id, from } = await gateway.newTicket();
    const n = 20;
    for (let i = 0; i < n; i++) await gateway.reply(id, `answer ${i}`);
    await api.accepted.until(() => (bodies(api, from).length >= n ? true : undefined), "all answers");
    assert.deepEqual(bodies(api, from), Array.from({ length: n }, (_, i) => `answer ${i}`));
});

test("read, delivered and sent, told in that order and before the answer to the send: read", async () => {
    const { id, from } = await gateway.newTicket();
    api.habit({ statuses: ["sent", "delivered", "read"], order: "reversed", early: true }, { to: from });
    const message = await gateway.reply(id, "quick");
    await gateway.reaches(message, "read");
});

test("an answer that got lost is uncertain; the receipt settles it, and nothing is sent twice", async () => {
    const { id, from } = await gateway.newTicket();
    api.fault({ kind: "close", accepts: true }, { to: from, times: 1 });
    api.habit({ held: true }, { to: from, times: 1 });
    const { at } = await gateway.tickets("?limit=1");
    const message = await gateway.reply(id, "once");
    const next = await gateway.reply(id, "then this");
    await gateway.reaches(message, "uncertain");
    api.receipts.release();
    await gateway.reaches(message, "delivered");
    await gateway.reaches(next, "delivered");
    assert.deepEqual(bodies(api, from), ["once", "then this"]);
    const { data } = await gateway.get(`/v1/events?after=${at}&limit=200`);
    const types = data.filter((event: any) => event.message_id === message).map(({ type }: { type: string }) => type);
    assert.deepEqual(types.slice(0, 2), ["message.queued", "message.uncertain"]);
});

test("an answer that got lost without a receipt is sent again after a while", async () => {
    const { id, from } = await gateway.newTicket();
    api.fault({ kind: "close", accepts: false }, { to: from, times: 1 });
    const message = await gateway.reply(id, "perhaps");
    await gateway.reaches(message, "delivered");
    assert.deepEqual(await outcomes(message, 2), ["uncertain", "sent"]);
});

test("what the provider refuses has failed, and says why", async () => {
    const { id, from } = await gateway.newTicket();
    api.fault({ kind: "error", code: 21211 }, { to: from, times: 1 });
    const message = await gateway.reply(id, "nowhere");
    const done = await gateway.reaches(message, "failed");
    assert.equal(done.error.provider_code, "21211");
});

test("a provider that asks for patience gets it", async () => {
    const { id, from } = await gateway.newTicket();
    api.fault({ kind: "limit", retryAfter: "1" }, { to: from, times: 1 });
    const message = await gateway.reply(id, "patience");
    await gateway.reaches(message, "delivered");
    assert.deepEqual(await outcomes(message, 2), ["retry", "sent"]);
});

test("a provider that answers probes and takes no message is down once, tried now and then, and up when a message is out", async () => {
    const tickets = await Promise.all(Array.from({ length: 5 }, () => gateway.newTicket()));
    const { at } = await gateway.tickets("?limit=1");
    const told = async () => (await gateway.events(at)).filter(({ type }) => type.startsWith("channel.")).map(({ type }) => type);
    const over = new Promise<void>((done) => api.fault({ kind: "broken" }, { of: "send", times: 8, done }));
    const messages = await Promise.all(tickets.map(({ id }) => gateway.reply(id, "is anybody there?")));
    await over;
    assert.deepEqual(await told(), ["channel.down"], "one alarm, whatever probes say");
    for (const id of messages) await gateway.reaches(id, "delivered");
    await until(async () => (await told()).length > 1, "the end of the alarm");
    assert.deepEqual(await told(), ["channel.down", "channel.up"]);
});

test("a channel that somebody else calls down sends nothing but one message that tries, and is up when that is out", async () => {
    const [first, second] = await Promise.all([gateway.newTicket(), gateway.newTicket()]);
    const { at } = await gateway.tickets("?limit=1");
    const mine = "channel_id = (select min (channel_id) from gateway.ticket)";
    const state = (what: string) => gateway.sql(`select ${what} from gateway.channel_state s join gateway.channel_lease l using (account_id, channel_id) where ${mine}`);
    await gateway.sql(`update gateway.channel_state set health = 'down', cause = 'a webhook says so', since = clock_timestamp () where ${mine}`);
    // Its owner looks every three seconds; it has looked when its lease is younger than that.
    await until(async () => (await state("l.until > s.since + interval '10 seconds'")) === "t", "the gateway to have looked");
    for (const { id } of [first, second]) await gateway.reaches(await gateway.reply(id, "are you there?"), "delivered");
    await until(async () => (await state("s.health = 'up'")) === "t", "the channel to be up");
    const types = (await gateway.events(at)).filter(({ type }) => type.startsWith("channel.")).map(({ type }) => type);
    assert.deepEqual(types, ["channel.up"]);
});

test("files go as URLs that the provider fetches", async () => {
    const { id, from } = await gateway.newTicket();
    const message = await gateway.reply(id, "look", { attachments: [await upload(Buffer.from("a picture"))] });
    await gateway.reaches(message, "delivered");
    const sms = await api.next(({ to }) => to === from);
    assert.equal(sms.fetched.length, 1);
    assert.deepEqual([sms.fetched[0]!.status, sms.fetched[0]!.type, sms.fetched[0]!.bytes.toString()], [200, "image/png", "a picture"]);
});

test("files that are too large for one MMS go in several, in their order, and each part has its fate", async () => {
    const { id, from } = await gateway.newTicket();
    const pictures = [1, 2, 3].map((n) => Buffer.alloc(2_000_000, n));
    const uploads: string[] = [];
    for (const picture of pictures) uploads.push(await upload(picture));
    const message = await gateway.reply(id, "look", { attachments: uploads });
    const done = await gateway.reaches(message, "delivered"); // by then the files are fetched
    const first = await api.next(({ to }) => to === from);
    const second = await api.next(({ to }) => to === from);
    assert.deepEqual([first.body, first.fetched.length, second.body, second.fetched.length], ["look", 2, "", 1]);
    assert.ok([...first.fetched, ...second.fetched].every(({ bytes }, i) => bytes.equals(pictures[i]!)));
    assert.deepEqual(done.parts.map((part: any) => [part.external_id, part.status]), [[first.sid, "delivered"], [second.sid, "delivered"]]);
});

test("who says STOP gets nothing more, and START ends that", async () => {
    const { id, from } = await gateway.newTicket();
    await api.receive({ from, body: "STOP" });
    const refused = await gateway.api(`/v1/tickets/${id}/messages`, { method: "POST", body: { text: "but" } });
    assert.equal(refused.status, 409);
    assert.match(refused.json.detail, /opted out/);
    await api.receive({ from, body: "START" });
    const message = await gateway.reply(id, "welcome back");
    await gateway.reaches(message, "delivered");
});

test("a provider that is dead is a channel that is down, and comes up again by itself", async () => {
    const { id } = await gateway.newTicket();
    await api.die();
    const message = await gateway.reply(id, "when you are back");
    const lines = [];
    for (let i = 0; i < 6; i++) lines.push(await gateway.reply((await gateway.newTicket()).id, `one of many ${i}`));
    await until(async () => (await gateway.get("/v1/events?after=0&limit=200")).data.some((event: any) => event.type === "channel.down"), "channel.down");
    await api.well();
    await gateway.reaches(message, "delivered");
    for (const line of lines) await gateway.reaches(line, "delivered");
});

test("metrics tell what became of every attempt", async () => {
    const before = await gateway.metrics();
    const { id, from } = await gateway.newTicket();
    api.fault({ kind: "error", code: 21211 }, { to: from, times: 1 });
    await gateway.reaches(await gateway.reply(id, "nowhere"), "failed");
    await gateway.reaches(await gateway.reply(id, "here"), "delivered");
    const now = await gateway.metrics();
    const rise = (outcome: string) => now.get(`gw_send_attempts_total{class="${outcome}"}`)! - before.get(`gw_send_attempts_total{class="${outcome}"}`)!;
    assert.deepEqual([rise("sent"), rise("failed"), rise("uncertain")], [1, 1, 0]);
});
