// SPDX-License-Identifier: Apache-2.0
//
// The account's log: read by page, followed as it happens, resumed where it broke off.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, type Event } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("events");
});
after(() => gateway?.stop());

const newest = async () => (await gateway.tickets("?limit=1")).at;
const say = (body: string, from = "+15554440001") => gateway.twilio.receive({ from, body });

test("a message is on the stream soon after it was acknowledged", async () => {
    await say("a beginning");
    const stream = gateway.sse({ after: await newest() });
    const answer = await stream.opened;
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers["content-type"]), /^text\/event-stream/);
    assert.match(String(answer.headers["cache-control"]), /no-cache/);
    const { sid } = await say("hello stream");
    const acknowledged = performance.now();
    const [event] = await stream.take(1);
    const told = JSON.parse(event!.data) as Event;
    assert.equal(told.type, "message.received");
    assert.equal(told.data.message?.external_id, sid);
    assert.equal(event!.id, String(told.number));
    assert.ok(stream.arrivals.get(event!.id)! - acknowledged < 1000);
    stream.close();
});

test("what the stream tells and what the list tells are the same", async () => {
    const from = await newest();
    for (let i = 0; i < 5; i++) await say(`same ${i}`);
    const stream = gateway.sse({ after: from });
    const told = (await stream.take(5)).map((event) => JSON.parse(event.data) as Event);
    stream.close();
    assert.deepEqual(told, await gateway.events(from));
});

test("a client that lost its connection goes on after the last event that it has", async () => {
    const from = await newest();
    const first = gateway.sse({ after: from });
    await first.opened;
    await say("before");
    const [seen] = await first.take(1);
    first.close();
    for (let i = 0; i < 3; i++) await say(`while away ${i}`);
    const second = gateway.sse({ lastEventId: Number(seen!.id) });
    const missed = await second.take(3);
    assert.deepEqual(missed.map((event) => Number(event.id)), [1, 2, 3].map((i) => Number(seen!.id) + i));
    await say("live again");
    assert.equal(Number((await second.take(1))[0]!.id), Number(seen!.id) + 4);
    second.close();
});

test("Last-Event-ID counts before the query: a browser repeats its first URL", async () => {
    const from = await newest();
    for (let i = 0; i < 3; i++) await say(`again ${i}`);
    const stream = gateway.sse({ after: from, lastEventId: from + 2 });
    assert.equal(Number((await stream.take(1))[0]!.id), from + 3);
    stream.close();
});

test("a thousand events come in order, without gap, while they are made", async () => {
    const from = await newest();
    const stream = gateway.sse({ after: from });
    await stream.opened;
    const senders = Array.from({ length: 10 }, async (_, n) => {
        for (let i = 0; i < 30; i++) await say(`storm ${i}`, `+155544401${String(n).padStart(2, "0")}`);
    });
    // 10 new senders: a contact and a ticket each, and 300 messages.
    const events = await stream.take(320, 30_000);
    await Promise.all(senders);
    assert.deepEqual(events.map((event) => Number(event.id)), events.map((_, i) => from + 1 + i));
    stream.close();
});

test("whoever asks for what is no longer kept is told to start anew", async () => {
    await say("old");
    const at = await newest();
    await gateway.sql(`delete from gateway.event where number < ${at}`);
    const stream = gateway.sse({ lastEventId: 1 });
    const [event] = await stream.take(1);
    assert.equal(event!.event, "reset");
    stream.close();
    // The newest one kept is no reset.
    const fine = gateway.sse({ after: at - 1 });
    assert.equal(Number((await fine.take(1))[0]!.id), at);
    fine.close();
});

test("a number that the log has not reached is told to start anew, too", async () => {
    const stream = gateway.sse({ lastEventId: (await newest()) + 1_000_000 });
    assert.equal((await stream.take(1))[0]!.event, "reset");
    stream.close();
});

test("a stream needs a key, and tells of its own account only", async () => {
    const refused = await gateway.api("/v1/events", { key: null, headers: { accept: "text/event-stream" } });
    assert.equal(refused.status, 401);
    const theirs = gateway.sse({ after: 0, key: gateway.otherKey });
    await theirs.opened;
    await say("for acme only");
    const other = gateway.sandbox({ account: "globex", number: "+15550003333" });
    await other.receive({ from: "+15554440099", body: "for globex" });
    const events = (await theirs.take(3)).map((event) => JSON.parse(event.data) as Event);
    assert.deepEqual(events.map((event) => event.type), ["contact.created", "ticket.created", "message.received"]);
    assert.deepEqual(events.map((event) => event.number), [1, 2, 3]);
    assert.equal(events[2]!.data.message?.text, "for globex");
    theirs.close();
});

test("pages of events say where to go on, and end with null", async () => {
    const from = await newest();
    for (let i = 0; i < 5; i++) await say(`page ${i}`);
    const first = await gateway.get(`/v1/events?after=${from}&limit=2`);
    assert.deepEqual(first.data.map((event: Event) => event.number), [from + 1, from + 2]);
    assert.equal(first.next, from + 2);
    assert.equal(first.at, from + 5);
    const last = await gateway.get(`/v1/events?after=${from + 4}&limit=2`);
    assert.equal(last.data.length, 1);
    assert.equal(last.next, null);
});
