// SPDX-License-Identifier: Apache-2.0
//
// The account's log: read by page, followed as it happens, resumed where it broke off.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, until, type Event } from "./harness.js";

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
    const events = await stream.take(320);
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

test("a revoked key ends its open stream; the others' go on", async () => {
    const key = await gateway.makeKey("acme");
    const from = await newest();
    const revoked = gateway.sse({ after: from, key });
    const kept = gateway.sse({ after: from });
    await Promise.all([revoked.opened, kept.opened]);
    await say("to both");
    await Promise.all([revoked.take(1), kept.take(1)]);
    await gateway.sql(`update gateway.key set revoked_at = now() where last_four = '${key.slice(-4)}'`);
    await assert.rejects(revoked.take(1), /the stream ended/);
    await say("to one");
    assert.equal((JSON.parse((await kept.take(1))[0]!.data) as Event).data.message?.text, "to one");
    kept.close();
});

test("what is no event's number is refused, in a page and in a stream", async () => {
    const stream = { accept: "text/event-stream" };
    for (const wrong of ["-1", "abc", "1.5", "0x10", "%2B1", "", "9223372036854775808", "1%00"]) {
        for (const headers of [{}, stream]) {
            const { status, json } = await gateway.api(`/v1/events?after=${wrong}`, { headers });
            assert.ok(status === 422 || (status === 400 && wrong.includes("%00")), `after=${wrong}: ${status}`);
            if (status === 422) assert.match(JSON.stringify(json), /after/);
        }
    }
    for (const wrong of ["-1", "abc", "1 2", "9223372036854775808", "reset"]) {
        const answer = await gateway.api("/v1/events", { headers: { ...stream, "last-event-id": wrong } });
        assert.equal(answer.status, 422, `Last-Event-ID: ${wrong}`);
        assert.match(JSON.stringify(answer.json), /Last-Event-ID/);
    }
    assert.equal((await gateway.api("/v1/events?after=0&after=1")).status, 422, "given twice");
});

test("a page after a number that was not given out yet is refused; the newest itself has an empty one", async () => {
    const at = await newest();
    const page = await gateway.get(`/v1/events?after=${at}`);
    assert.deepEqual([page.data, page.next, page.at], [[], null, at]);
    const beyond = await gateway.api(`/v1/events?after=${at + 1}`);
    assert.equal(beyond.status, 422);
    assert.match(beyond.json.detail, /no such event yet/);
});

test("a newcomer is served while another stream reads a long log", async () => {
    // Globex's log grows by more than is read in one go, or in a hundred.
    const many = 20_000;
    await gateway.sql(`with head as (
            update gateway.counter c set last_event = last_event + ${many} from gateway.account a
            where a.account_id = c.account_id and a.slug = 'globex' returning c.account_id, c.last_event - ${many} as base)
        insert into gateway.event (account_id, number, type, at) select account_id, base + n, 'channel.up', now() from head, generate_series (1, ${many}) n`);
    const long = gateway.sse({ after: 0, key: gateway.otherKey });
    let read = 0;
    const all = (async () => {
        for await (const event of long) {
            assert.equal(Number(event.id), ++read);
            if (read >= many) break;
        }
    })();
    await until(async () => read > 0, "the long replay to begin");
    const newcomer = gateway.sse({ after: await newest() });
    await newcomer.opened;
    await say("meanwhile");
    const [event] = await newcomer.take(1);
    assert.equal((JSON.parse(event!.data) as Event).data.message?.text, "meanwhile");
    assert.ok(read < many, "the long replay was over before");
    await all;
    newcomer.close();
});
