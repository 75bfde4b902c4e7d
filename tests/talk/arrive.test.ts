// SPDX-License-Identifier: Apache-2.0
//
// A customer's SMS arrives and is a message of a ticket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newSid } from "../../sandbox/twilio.js";
import { Gateway, until, type Message, type MessageList } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("arrive");
});
after(() => gateway?.stop());

test("an SMS becomes a ticket, a message and a contact, and the answer is empty TwiML", async () => {
    const answer = await gateway.twilio.receive({ from: "+15551230001", body: "Where is my parcel?" });
    assert.equal(answer.status, 200);
    assert.match(answer.contentType, /^text\/xml/);
    assert.equal(answer.body, '<?xml version="1.0" encoding="UTF-8"?><Response/>');

    const ticket = await gateway.ticketOf("+15551230001");
    assert.equal(ticket.status, "open");
    assert.deepEqual(ticket.channel, { slug: "support-sms", adapter: "twilio" });
    assert.equal(ticket.unread, 1);
    assert.equal(ticket.last_message?.text, "Where is my parcel?");

    const { data } = await gateway.messages(ticket.id);
    assert.equal(data.length, 1);
    const message = data[0]!;
    assert.equal(message.number, 1);
    assert.equal(message.kind, "incoming");
    assert.equal(message.status, "received");
    assert.equal(message.from, "tel:+15551230001");
    assert.equal(message.to, "tel:+15550001111");
    assert.equal(message.text, "Where is my parcel?");
    assert.equal(message.content.kind, "text");
    assert.equal(message.external_id, answer.sid);
    assert.equal(ticket.last_message?.id, message.id);
    const alone = await gateway.get<Message>(`/v1/messages/${message.id}`);
    assert.equal(alone.text, message.text);

    const contact = await gateway.get(`/v1/contacts/${ticket.contact.id}`);
    assert.deepEqual(contact.addresses, ["tel:+15551230001"]);
});

test("its events tell first of the contact, then of the ticket, then of the message", async () => {
    const { sid } = await gateway.twilio.receive({ from: "+15551230002", body: "Hello" });
    const ticket = await gateway.ticketOf("+15551230002");
    const events = await gateway.events();
    assert.deepEqual(events.map((event) => event.number), events.map((_, i) => i + 1), "numbered 1, 2, 3 … without gaps");
    const mine = events.slice(-3);
    assert.deepEqual(mine.map((event) => event.type), ["contact.created", "ticket.created", "message.received"]);
    assert.equal(mine[0]!.data.contact?.id, ticket.contact.id);
    assert.equal(mine[1]!.ticket_id, ticket.id);
    assert.equal(mine[2]!.ticket_id, ticket.id);
    assert.equal(mine[2]!.data.message?.external_id, sid);
});

test("a GET webhook is understood like a POST", async () => {
    const { status } = await gateway.twilio.receive({ from: "+15551230003", body: "by GET & more" }, { form: "get" });
    assert.equal(status, 200);
    const ticket = await gateway.ticketOf("+15551230003");
    assert.equal(ticket.last_message?.text, "by GET & more");
});

test("the signature may be over the URL with its port, with a query, and over parameters that nobody knew", async () => {
    const explicit = await gateway.twilio.receive({ from: "+15551230004", body: "port" }, { port: "explicit" });
    assert.equal(explicit.status, 200);
    const query = await gateway.twilio.receive({ from: "+15551230004", body: "query" }, { query: "foo=1&bar=a%20b" });
    assert.equal(query.status, 200);
    const extra = await gateway.twilio.receive({ from: "+15551230004", body: "extra", extra: [["NewParameter", "x"], ["Twice", "b"], ["Twice", "a"]] });
    assert.equal(extra.status, 200);
    const { data } = await gateway.messages((await gateway.ticketOf("+15551230004")).id);
    assert.deepEqual(data.map((message) => message.text), ["port", "query", "extra"]);
});

test("a message delivered twice is one message", async () => {
    const sid = newSid();
    const first = await gateway.twilio.receive({ from: "+15551230005", body: "once", sid });
    const at = (await gateway.tickets("?limit=1")).at;
    const again = await gateway.twilio.receive({ from: "+15551230005", body: "once", sid });
    assert.deepEqual([first.status, again.status], [200, 200]);
    assert.equal(again.body, first.body);
    assert.equal(await gateway.count(`message where external_id = '${sid}'`), 1);
    assert.equal((await gateway.ticketOf("+15551230005")).unread, 1);
    assert.deepEqual(await gateway.events(at), [], "a redelivery changes nothing");
});

test("100 identical webhooks at one instant are one message", async () => {
    const sid = newSid();
    const answers = await Promise.all(
        Array.from({ length: 100 }, () => gateway.twilio.receive({ from: "+15551230006", body: "all at once", sid })),
    );
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal(await gateway.count(`message where external_id = '${sid}'`), 1);
    const ticket = await gateway.ticketOf("+15551230006");
    assert.equal(ticket.unread, 1);
    assert.equal((await gateway.messages(ticket.id)).data.length, 1);
});

test("two messages of one new sender at one instant make one contact and one ticket", async () => {
    for (let i = 0; i < 20; i++) {
        const from = `+1555124${String(i).padStart(4, "0")}`;
        await Promise.all([gateway.twilio.receive({ from, body: "one" }), gateway.twilio.receive({ from, body: "two" })]);
        assert.equal(await gateway.count(`ticket where uri = 'tel:${from}'`), 1);
        assert.equal(await gateway.count(`address where uri = 'tel:${from}'`), 1);
        const ticket = await gateway.ticketOf(from);
        const { data } = await gateway.messages(ticket.id);
        assert.deepEqual(data.map((message) => message.number), [1, 2]);
        assert.deepEqual(data.map((message) => message.text).sort(), ["one", "two"]);
        assert.equal(ticket.unread, 2);
    }
    assert.equal(await gateway.count("contact k where not exists (select from gateway.address a where a.contact_id = k.contact_id)"), 0);
});

test("one person on two channels is one contact with two tickets", async () => {
    await gateway.twilio.receive({ from: "+15551230007", body: "to support" });
    await gateway.sandbox({ channel: "sales-sms", number: "+15550002222" }).receive({ from: "+15551230007", body: "to sales" });
    const tickets = (await gateway.all<Awaited<ReturnType<Gateway["ticketOf"]>>>("/v1/tickets")).filter((one) => one.contact.address === "tel:+15551230007");
    assert.deepEqual(tickets.map((ticket) => ticket.channel.slug).sort(), ["sales-sms", "support-sms"]);
    assert.equal(tickets[0]!.contact.id, tickets[1]!.contact.id);
});

test("messages of one sender are numbered in the order in which they were acknowledged", async () => {
    const sids: string[] = [];
    // Others write at the same time, so that the messages share batches with strangers.
    let going = true;
    const others = [1, 2, 3].map(async (n) => {
        while (going) await gateway.twilio.receive({ from: `+155512500${n}0`, body: "meanwhile" });
    });
    for (let i = 0; i < 40; i++) sids.push((await gateway.twilio.receive({ from: "+15551230008", body: `number ${i + 1}` })).sid);
    going = false;
    await Promise.all(others);
    const { data } = await gateway.messages((await gateway.ticketOf("+15551230008")).id);
    assert.deepEqual(data.map((message) => message.external_id), sids);
    assert.deepEqual(data.map((message) => message.number), sids.map((_, i) => i + 1));
    const newest = await gateway.messages((await gateway.ticketOf("+15551230008")).id, "?order=desc&limit=3");
    assert.deepEqual(newest.data.map((message) => message.number), [40, 39, 38]);
});

test("an MMS with nine files has nine attachments that wait to be fetched", async () => {
    const media = Array.from({ length: 9 }, (_, i) => ({
        url: `https://127.0.0.1:1/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME${i}`,
        type: i % 2 ? "image/png" : "image/jpeg",
    }));
    assert.equal((await gateway.twilio.receive({ from: "+15551230009", body: "my pictures", media })).status, 200);
    const { data } = await gateway.messages((await gateway.ticketOf("+15551230009")).id);
    assert.equal(data[0]!.content.kind, "media");
    assert.deepEqual(data[0]!.attachments.map((one) => [one.mime, one.status, one.size]), media.map((one) => [one.type, "waiting", null]));
    const missing = await gateway.api(`/v1/attachments/${data[0]!.attachments[0]!.id}`);
    assert.equal(missing.status, 404);
    assert.equal(missing.json.detail, "the attachment has not been fetched");
    assert.ok(!JSON.stringify(data).includes("127.0.0.1"), "where the provider holds the files is not the reader's business");
});

for (const [what, bytes, text] of [
    ["a NUL", Buffer.from("a\0b"), "a\uFFFDb"],
    ["invalid UTF-8", Buffer.from([0x61, 0xff, 0xfe, 0x62]), "a\uFFFD\uFFFDb"],
    ["a lone surrogate", Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x62]), undefined],
] as const) {
    test(`a text with ${what} is kept to the byte, and marked`, async () => {
        const from = `+1555126000${bytes.length + (what === "invalid UTF-8" ? 4 : 0)}`;
        assert.equal((await gateway.twilio.receive({ from, body: bytes })).status, 200);
        const { data } = await gateway.messages((await gateway.ticketOf(from)).id);
        const message = data[0]!;
        if (text !== undefined) assert.equal(message.text, text);
        assert.ok(message.text.startsWith("a") && message.text.endsWith("b") && message.text.includes("\uFFFD"));
        assert.equal(message.content.repaired, true);
        assert.deepEqual(Buffer.from(message.content.raw ?? "", "base64"), bytes);
    });
}

test("emoji, empty texts and long texts arrive as they are", async () => {
    const texts = ["👩‍👩‍👧 ¿dónde? Ünïcödé", "", " spaces stay ", "x".repeat(1600), "line\nline\r\nline"];
    for (const body of texts) await gateway.twilio.receive({ from: "+15551230010", body });
    const { data }: MessageList = await gateway.messages((await gateway.ticketOf("+15551230010")).id);
    assert.deepEqual(data.map((message) => message.text), texts);
    assert.ok(data.every((message) => message.content.repaired === undefined));
});

test("a status callback is kept until its message is known", async () => {
    const sid = newSid();
    const first = await gateway.twilio.statusCallback({ sid, status: "failed", to: "+15551230011", errorCode: "30003", errorMessage: "Unreachable" });
    const second = await gateway.twilio.statusCallback({ sid, status: "sent", to: "+15551230011" });
    assert.deepEqual([first.status, second.status], [200, 200]);
    const kept = await gateway.sql(`select status, code from gateway.receipt where external_id = '${sid}' order by status`);
    assert.equal(kept, "failed|30003\nsent|");
    assert.equal(await gateway.count(`ticket where uri = 'tel:+15551230011'`), 0, "a receipt is no message");
});

test("a message to a closed ticket opens it again", async () => {
    await gateway.twilio.receive({ from: "+15551230012", body: "first" });
    const ticket = await gateway.ticketOf("+15551230012");
    const closed = await gateway.api(`/v1/tickets/${ticket.id}`, { method: "PATCH", body: { status: "closed" }, headers: { "if-match": `"v${ticket.version}"` } });
    assert.equal(closed.status, 200);
    assert.equal(closed.json.status, "closed");
    const at = (await gateway.tickets("?limit=1")).at;
    await gateway.twilio.receive({ from: "+15551230012", body: "second" });
    const again = await gateway.ticketOf("+15551230012");
    assert.equal(again.id, ticket.id);
    assert.equal(again.status, "open");
    assert.deepEqual((await gateway.events(at)).map((event) => event.type), ["ticket.reopened", "message.received"]);
    assert.deepEqual((await gateway.messages(again.id)).data.map((message) => message.number), [1, 2]);
});

test("a ticket that has been closed for seven days stays closed, and a new one opens", async () => {
    await gateway.twilio.receive({ from: "+15551230013", body: "first" });
    const ticket = await gateway.ticketOf("+15551230013");
    await gateway.api(`/v1/tickets/${ticket.id}`, { method: "PATCH", body: { status: "closed" }, headers: { "if-match": `"v${ticket.version}"` } });
    await gateway.sql(`update gateway.ticket set closed_at = now() - interval '7 days 1 minute' where ticket_id = '${ticket.id}'`);
    await gateway.twilio.receive({ from: "+15551230013", body: "second" });
    assert.equal((await gateway.get(`/v1/tickets/${ticket.id}`)).status, "closed");
    assert.equal(await gateway.count(`ticket where uri = 'tel:+15551230013'`), 2);
    const newer = await until(async () => (await gateway.tickets("?status=open&limit=200")).data.find((one) => one.contact.address === "tel:+15551230013"), "the new ticket");
    assert.equal(newer.contact.id, ticket.contact.id);
    assert.deepEqual((await gateway.messages(newer.id)).data.map((message) => [message.number, message.text]), [[1, "second"]]);
});

test("a ticket closed for just less than seven days reopens", async () => {
    await gateway.twilio.receive({ from: "+15551230014", body: "first" });
    const ticket = await gateway.ticketOf("+15551230014");
    await gateway.api(`/v1/tickets/${ticket.id}`, { method: "PATCH", body: { status: "closed" }, headers: { "if-match": `"v${ticket.version}"` } });
    await gateway.sql(`update gateway.ticket set closed_at = now() - interval '6 days 23 hours 59 minutes' where ticket_id = '${ticket.id}'`);
    await gateway.twilio.receive({ from: "+15551230014", body: "second" });
    assert.equal((await gateway.ticketOf("+15551230014")).status, "open");
});

test("trace tells a message's life from the journal on", async () => {
    await gateway.twilio.receive({ from: "+15551230015", body: "words of a customer" });
    const ticket = await gateway.ticketOf("+15551230015");
    const out = await gateway.must(["trace", ticket.last_message!.id]);
    assert.ok(out.trim().split("\n").length >= 2, out);
    assert.match(out, /journal|accepted/);
    assert.match(out, /message\.received|received/);
    const unknown = await gateway.command(["trace", "01900000-0000-7000-8000-000000000000"]);
    assert.equal(unknown.code, 1);
});

test("customers' words and secrets never reach the log", () => {
    const log = gateway.logText();
    for (const secret of ["words of a customer", "my pictures", gateway.key, "0123456789abcdef0123456789abcdef"]) assert.ok(!log.includes(secret), secret);
});
