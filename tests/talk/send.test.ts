// SPDX-License-Identifier: Apache-2.0
//
// Answers, notes, first messages and files as agents and programs hand them in: what is taken, what is refused and why, and once each.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { accountSid, Gateway, newNumber, type ApiAnswer, type ApiOptions, type Message } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("send");
    // Nothing leaves: what is queued stays queued, so that it can be looked at.
    await gateway.pauseAll();
    await gateway.restart();
});
after(() => gateway?.stop());

const nobody = "01900000-0000-7000-8000-000000000000";

const post = (path: string, body?: unknown, options: ApiOptions = {}): Promise<ApiAnswer> =>
    gateway.api(path, { method: "POST", ...(body === undefined ? {} : { body }), ...options });
const reply = (ticket: string, body: unknown, options?: ApiOptions) => post(`/v1/tickets/${ticket}/messages`, body, options);
const send = (body: unknown, options?: ApiOptions) => post("/v1/messages", body, options);
const keyed = (key: string): ApiOptions => ({ headers: { "idempotency-key": key } });

/** Bytes as a file; its id. */
async function upload(bytes: Buffer | string = "a file", type = "image/jpeg", query = ""): Promise<string> {
    const answer = await post(`/v1/attachments${query}`, bytes, { headers: { "content-type": type } });
    assert.equal(answer.status, 201, answer.body.toString());
    return answer.json.id;
}

async function taken(answer: Promise<ApiAnswer>): Promise<Message & Record<string, any>> {
    const { status, json, body } = await answer;
    assert.equal(status, 202, body.toString());
    return json;
}

/** 422 at that place of the body. */
async function refused(answer: Promise<ApiAnswer>, place: string, words = /./): Promise<void> {
    const { status, json, body } = await answer;
    assert.equal(status, 422, `${place}: ${body.toString()}`);
    assert.deepEqual(json.errors?.map((error: { pointer: string }) => error.pointer), [place], body.toString());
    assert.match(json.detail, words);
}

const deliveries = (message: string) => gateway.count(`delivery where message_id = '${message}'`);

test("an answer is stored, queued, told, and clears what was unread", async () => {
    const { id, from } = await gateway.newTicket();
    const { at } = await gateway.tickets("?limit=1");
    const message = await taken(reply(id, { text: "Hi! 👋", reference: "order-7", metadata: { agent: "ana", tags: [1, null, "x"] } }));
    assert.equal(message.kind, "outgoing");
    assert.equal(message.status, "queued");
    assert.equal(message.ticket_id, id);
    assert.equal(message.number, 2);
    assert.equal(message.from, "tel:+15550001111");
    assert.equal(message.to, `tel:${from}`);
    assert.equal(message.text, "Hi! 👋");
    assert.deepEqual(message.content, { kind: "text", text: "Hi! 👋" });
    assert.equal(message["reference"], "order-7");
    assert.deepEqual(message["metadata"], { agent: "ana", tags: [1, null, "x"] });
    assert.equal(message["author"].type, "key");
    assert.equal(message["author"].id, await gateway.sql("select k.key_id from gateway.key k join gateway.account a using (account_id) where a.slug = 'acme'"));
    assert.equal(await deliveries(message.id), 1);

    const ticket = await gateway.ticketOf(from);
    assert.equal(ticket.unread, 0);
    assert.equal(ticket.last_message?.id, message.id);
    assert.deepEqual((await gateway.messages(id)).data.map((one) => one.id).pop(), message.id);
    assert.equal((await gateway.get(`/v1/messages/${message.id}`)).status, "queued");
    const events = await gateway.events(at);
    assert.deepEqual(events.map((event) => [event.type, event.message_id]), [["message.queued", message.id]]);
});

test("whoever follows the events hears of an answer at once", async () => {
    const { id } = await gateway.newTicket();
    const stream = gateway.sse({ after: (await gateway.tickets("?limit=1")).at });
    await stream.opened;
    const message = await taken(reply(id, { text: "heard" }));
    const [event] = await stream.take(1);
    assert.equal(JSON.parse(event!.data).message_id, message.id);
    stream.close();
});

test("content is text or media; what the channel cannot carry is put in words, or in those that were given", async () => {
    const { id } = await gateway.newTicket();
    const plain = await taken(reply(id, { content: { kind: "text", text: "as content" } }));
    assert.deepEqual([plain.content, plain["rendering"]], [{ kind: "text", text: "as content" }, { native: true, steps: [] }]);
    const location = { kind: "location", lat: 52.520008, lon: 2, name: "The harbour" };
    const words = "The harbour\nhttps://maps.google.com/?q=52.520008,2";
    for (const fallback of [{}, { fallback: { mode: "adapt" } }]) {
        const adapted = await taken(reply(id, { content: location, ...fallback }));
        assert.deepEqual(adapted["rendering"], { native: false, steps: ["location→text"] });
        assert.deepEqual(adapted.content, { kind: "text", text: words, original: location });
        assert.equal(adapted.text, words, "that is what is sent");
        assert.deepEqual((await gateway.get(`/v1/messages/${adapted.id}`)).rendering, { native: false, steps: ["location→text"] });
    }
    const fallen = await taken(reply(id, { content: location, fallback: { mode: "text", text: "at the harbour" } }));
    assert.deepEqual(fallen.content, { kind: "text", text: "at the harbour", original: location });
    const choice = { kind: "choice", text: "When?", options: [{ id: "am", title: "Morning" }, { id: "pm", title: "Afternoon" }] };
    const chosen = await taken(reply(id, { content: choice, attachments: [await upload()] }));
    assert.equal(chosen.text, "When?\n1) Morning\n2) Afternoon");
    assert.equal(chosen.content.kind, "media");
    assert.deepEqual(chosen["rendering"], { native: false, steps: ["choice→numbered"] });

    await refused(reply(id, { content: location, fallback: { mode: "strict" } }), "/content/kind", /text, media/);
    await refused(reply(id, { content: { kind: "location", lat: 91, lon: 2 } }), "/content/lat");
    await refused(reply(id, { content: { kind: "event", type: "typing" } }), "/content/kind");
    await refused(reply(id, { content: { ...choice, text: "x".repeat(1600) } }), "/content", /1600/);
    await refused(reply(id, { content: { kind: "smell" } }), "/content/kind");
    await refused(reply(id, { content: { text: "x" } }), "/content/kind");
    await refused(reply(id, { content: { kind: "text" } }), "/content/text");
    await refused(reply(id, { content: { kind: "text", text: "x", html: "x" } }), "/content/html");
    await refused(reply(id, { content: { kind: "media", text: "x" } }), "/attachments");
    await refused(reply(id, { text: "x", fallback: { mode: "guess" } }), "/fallback/mode");
    await refused(reply(id, { text: "x", fallback: { mode: "text" } }), "/fallback/text");
    await refused(reply(id, { text: "x", fallback: { mode: "adapt", text: "y" } }), "/fallback/text");
    await refused(reply(id, { text: "x", fallback: { mode: "adapt", odd: 1 } }), "/fallback/odd");
});

test("files are sent with a text or alone, in their order, each once", async () => {
    const { id } = await gateway.newTicket();
    const [one, two] = [await upload("one", "image/jpeg", "?name=one.jpg"), await upload("two", "image/png")];
    const both = await taken(reply(id, { text: "Look!", attachments: [two, one] }));
    assert.deepEqual(both.content, {
        kind: "media",
        text: "Look!",
        media: [{ media_kind: "image", mime: "image/png", index: 0 }, { media_kind: "image", mime: "image/jpeg", name: "one.jpg", index: 1 }],
    });
    assert.deepEqual(both.attachments.map((file) => [file.id, file.status]), [[two, "stored"], [one, "stored"]]);
    const alone = await taken(reply(id, { attachments: [await upload()] }));
    assert.equal(alone.content.kind, "media");
    assert.equal(alone.text ?? "", "", "nobody is sent words for a picture");
    const media = await taken(reply(id, { content: { kind: "media", text: "again" }, attachments: [await upload()] }));
    assert.equal(media.text, "again");

    const three = await upload();
    await refused(reply(id, { text: "x", attachments: [one] }), "/attachments", /in no message/);
    await refused(reply(id, { text: "x", attachments: [three, three] }), "/attachments/1");
    await refused(reply(id, { text: "x", attachments: [three, nobody] }), "/attachments/1");
    await refused(reply(id, { text: "x", attachments: ["three"] }), "/attachments/0");
    await refused(reply(id, { text: "x", attachments: three }), "/attachments");
    const theirs = await post("/v1/attachments", "theirs", { key: gateway.otherKey, headers: { "content-type": "image/jpeg" } });
    await refused(reply(id, { text: "x", attachments: [theirs.json.id] }), "/attachments/0");
    await taken(reply(id, { text: "refusals used nothing up", attachments: [three] }));
});

test("a note stays with the agents", async () => {
    const { id, from } = await gateway.newTicket();
    const version = (await gateway.ticketOf(from)).version;
    assert.equal((await gateway.api(`/v1/tickets/${id}`, { method: "PATCH", body: { status: "closed" }, headers: { "if-match": `"v${version}"` } })).status, 200);
    const file = await upload("a scan", "application/pdf");
    const answer = await reply(id, { note: "x".repeat(5000), attachments: [file], reference: "n-1", seen: 1 });
    assert.equal(answer.status, 201);
    assert.equal(answer.json.kind, "note");
    assert.equal(answer.json.to, null);
    assert.equal(answer.json.from, null);
    assert.equal(answer.json.attachments[0].id, file);
    assert.equal(await deliveries(answer.json.id), 0);
    const ticket = await gateway.ticketOf(from);
    assert.equal(ticket.status, "closed", "a note opens nothing");
    assert.equal(ticket.unread, 1);
    for (const [name, value] of [["lane", "bulk"], ["expires_at", "2099-01-01T00:00:00Z"], ["fallback", { mode: "strict" }]] as const)
        await refused(reply(id, { note: "x", [name]: value }), `/${name}`);
    await refused(send({ channel: "support-sms", to: `tel:${from}`, note: "x" }), "/note");
    assert.equal((await post(`/v1/messages/${answer.json.id}/cancel`)).status, 409);

    await taken(reply(id, { text: "an answer does" }));
    assert.equal((await gateway.ticketOf(from)).status, "open");
});

test("one of text, content and note is given, no more and no less, and no member that nobody knows", async () => {
    const { id } = await gateway.newTicket();
    const before = await gateway.count("message");
    await refused(reply(id, {}), "/text");
    await refused(reply(id, { attachments: [] }), "/text");
    await refused(reply(id, { text: null, note: null }), "/text");
    await refused(reply(id, { text: "x", content: { kind: "text", text: "x" } }), "/content");
    await refused(reply(id, { text: "x", note: "x" }), "/note");
    await refused(reply(id, { content: { kind: "text", text: "x" }, note: "x" }), "/note");
    await refused(reply(id, { text: "" }), "/text");
    await refused(reply(id, { note: "" }), "/note");
    await refused(reply(id, { text: "x", "odd/na~me": 1 }), "/odd~1na~0me");
    await refused(reply(id, { text: "x", to: "tel:+15550001234" }), "/to");
    await refused(send({ channel: "support-sms", to: "tel:+15550001234", text: "x", seen: 1 }), "/seen");
    for (const [name, value] of Object.entries({ text: 1, content: "x", note: [], attachments: {}, reference: 7, metadata: [], expires_at: 1, lane: 1, seen: "1", in_reply_to: 1, fallback: "strict" }))
        await refused(reply(id, { ...(["content", "note"].includes(name) ? {} : { text: "x" }), [name]: value }), `/${name}`);
    await refused(reply(id, { text: "x", lane: "express" }), "/lane");
    await refused(reply(id, { text: "x", seen: -1 }), "/seen");
    await refused(reply(id, { text: "x", in_reply_to: "x" }), "/in_reply_to");
    assert.equal((await reply(id, [])).status, 422);
    assert.equal((await reply(id, "{")).status, 400);
    assert.equal((await reply(id, '{"text":"\\ud800"}')).status, 400);
    assert.equal((await reply(id, { text: "x" }, { headers: { "content-type": "text/plain" } })).status, 415);
    assert.equal((await reply(id, { text: "x" }, { headers: { "content-type": "application/merge-patch+json" } })).status, 415);
    assert.equal(await gateway.count("message"), before);
});

test("every limit has a name, and what just fits is taken", async () => {
    const { id } = await gateway.newTicket();
    await taken(reply(id, { text: "👍".repeat(1600) }));
    await refused(reply(id, { text: "x".repeat(1601) }), "/text", /at most 1600 characters/);
    await refused(reply(id, { content: { kind: "text", text: "x".repeat(1601) } }), "/content/text", /1600/);
    await refused(reply(id, { content: { kind: "form", data: { size: "L" } }, fallback: { mode: "text", text: "x".repeat(1601) } }), "/fallback/text", /1600/);

    await taken(reply(id, { text: "x", reference: "ü".repeat(255) }));
    await refused(reply(id, { text: "x", reference: "x".repeat(256) }), "/reference", /255/);
    await refused(reply(id, { text: "x", reference: "" }), "/reference");

    const metadata = (n: number) => ({ a: "x".repeat(n - '{"a":""}'.length) });
    await taken(reply(id, { text: "x", metadata: metadata(16384) }));
    await refused(reply(id, { text: "x", metadata: metadata(16385) }), "/metadata", /16384/);

    const later = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
    const month = 30 * 24 * 3600;
    const expiring = await taken(reply(id, { text: "x", expires_at: later(month - 60) }));
    assert.equal(await gateway.sql(`select count(*) from gateway.delivery where message_id = '${expiring.id}' and expires_at > now() + interval '29 days'`), "1");
    await taken(reply(id, { text: "x", expires_at: later(60).replace("Z", "+00:00") }));
    for (const expires_at of [later(month + 60), later(-1), "2026-02-30T00:00:00Z", "tomorrow", "2099-01-01", ""]) await refused(reply(id, { text: "x", expires_at }), "/expires_at");
});

test("a file too large, too many of them, or of a type that the channel does not carry: the limit is named", async () => {
    const { id } = await gateway.newTicket();
    await refused(reply(id, { attachments: [await upload("MZ", "application/x-msdownload")] }), "/attachments/0", /image\//);
    const large = await upload(Buffer.alloc(16 << 20));
    const { json } = await reply(id, { attachments: [large] });
    const most = Number(/at most (\d+) bytes/.exec(json.detail)?.[1]);
    assert.ok(most > 1_000_000, json.detail);
    await refused(reply(id, { attachments: [await upload(Buffer.alloc(most + 1))] }), "/attachments/0", new RegExp(`${most}`));
    await taken(reply(id, { attachments: [await upload(Buffer.alloc(most))] }));

    const many = await Promise.all(Array.from({ length: 31 }, (_, i) => upload(`file ${i}`)));
    await refused(reply(id, { attachments: many }), "/attachments", /at most 30 files/);
    await taken(reply(id, { attachments: many.slice(1) }));
    await refused(reply(id, { note: "x", attachments: Array.from({ length: 101 }, () => nobody) }), "/attachments", /100/);
});

test("a first message joins its customer's ticket or opens one; the address may be written in any form", async () => {
    const number = newNumber();
    const at = (await gateway.tickets("?limit=1")).at;
    const written = `tel:00${number.slice(1, 2)} (${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}`;
    const first = await taken(send({ channel: "support-sms", to: written, text: "Your parcel is here", lane: "bulk" }));
    assert.equal(first.to, `tel:${number}`);
    assert.equal(first.number, 1);
    assert.equal(await gateway.sql(`select lane from gateway.delivery where message_id = '${first.id}'`), "1");
    assert.deepEqual((await gateway.events(at)).map((event) => event.type), ["contact.created", "ticket.created", "message.queued"]);
    assert.equal((await gateway.ticketOf(number)).id, first.ticket_id);
    const second = await taken(send({ channel: "support-sms", to: `tel:${number}`, attachments: [await upload()] }));
    assert.equal(second.ticket_id, first.ticket_id);
    assert.equal(second.number, 2);
    await gateway.twilio.receive({ from: number, body: "thanks" });
    assert.equal((await gateway.ticketOf(number)).id, first.ticket_id, "what the customer answers joins it, too");

    const whole = { channel: "support-sms", to: `tel:${number}`, text: "x" };
    for (const to of ["tel:12", number, "", "mailto:", "x".repeat(300)]) await refused(send({ ...whole, to }), "/to");
    await refused(send({ ...whole, to: 7 }), "/to");
    for (const to of ["mailto:ana@x.org", "chat:ana", "alnum:ACME", "whatsapp:15550001111"]) await refused(send({ ...whole, to }), "/to", /begin with tel: or short:/);
    await refused(send({ channel: "support-sms", text: "x" }), "/to");
    await refused(send({ to: `tel:${number}`, text: "x" }), "/channel");
    await refused(send({ ...whole, channel: "no-such" }), "/channel");
    await refused(send({ channel: "support-sms", to: `tel:${number}` }), "/text");
    await refused(send({ ...whole, channel: "sales-sms" }, { key: gateway.otherKey }), "/channel");
    await refused(send({ ...whole, in_reply_to: nobody }), "/in_reply_to");
});

test("who has read the ticket may answer; who has not is shown what came in since", async () => {
    const { id, from } = await gateway.newTicket();
    await gateway.twilio.receive({ from, body: "wait" });
    await gateway.twilio.receive({ from, body: "one more thing" });
    const stale = await reply(id, { text: "x", seen: 1 });
    assert.equal(stale.status, 409);
    assert.deepEqual(stale.json.newer.map((one: Message) => [one.number, one.text]), [[2, "wait"], [3, "one more thing"]]);
    assert.equal(stale.json.more, false);
    await taken(reply(id, { text: "read it all", seen: 3 }));
    await taken(reply(id, { text: "our own are not news", seen: 3 }));
    assert.equal((await reply(id, { note: "x", seen: 0 })).status, 409);
});

test("an answer may name the message that it answers, of the same ticket only", async () => {
    const [one, other] = [await gateway.newTicket(), await gateway.newTicket()];
    const [asked] = (await gateway.messages(one.id)).data;
    assert.equal((await taken(reply(one.id, { text: "x", in_reply_to: asked!.id })))["in_reply_to"], asked!.id);
    await refused(reply(other.id, { text: "x", in_reply_to: asked!.id }), "/in_reply_to");
    await refused(reply(one.id, { text: "x", in_reply_to: nobody }), "/in_reply_to");
});

test("where nothing may be sent, 409 says why", async () => {
    const because = async (ticket: string, why: RegExp) => {
        const answer = await reply(ticket, { text: "x" });
        assert.equal(answer.status, 409);
        assert.match(answer.json.detail, why);
        assert.equal((await reply(ticket, { note: "a note may be left all the same" })).status, 201);
    };
    const acme = "(select account_id from gateway.account where slug = 'acme')";
    const [opted, blocked, closed, disabled] = [await gateway.newTicket(), await gateway.newTicket(), await gateway.newTicket(), await gateway.newTicket()];
    await gateway.sql(`insert into gateway.opt_out (account_id, opt_out_id, uri, source, at) values (${acme}, gen_random_uuid(), 'tel:${opted.from}', 'agent', now())`);
    await because(opted.id, /opted out/);
    assert.equal((await send({ channel: "support-sms", to: `tel:${opted.from}`, text: "x" })).status, 409);
    await gateway.sql(`update gateway.contact set blocked_at = now() where (account_id, contact_id) = (select account_id, contact_id from gateway.ticket where ticket_id = '${blocked.id}')`);
    await because(blocked.id, /blocked/);
    await gateway.sql("update gateway.channel set reply_window = '24 hours' where slug = 'support-sms'");
    try {
        await because(closed.id, /window is closed: send a template, see \/v1\/channels\/support-sms\/templates/);
    } finally {
        await gateway.sql("update gateway.channel set reply_window = null");
    }
    await gateway.sql("update gateway.channel set disabled_at = now() where slug = 'support-sms'");
    try {
        await because(disabled.id, /disabled/);
        const first = await send({ channel: "support-sms", to: `tel:${newNumber()}`, text: "x" });
        assert.equal(first.status, 409);
        assert.match(first.json.detail, /disabled/);
    } finally {
        await gateway.sql("update gateway.channel set disabled_at = null");
    }
    await taken(reply(disabled.id, { text: "and again" }));

    // Closed eight days ago, and the customer has written again since.
    const old = await gateway.newTicket();
    await gateway.sql(`update gateway.ticket set status = 'closed', closed_at = now() - interval '8 days' where ticket_id = '${old.id}'`);
    await gateway.twilio.receive({ from: old.from, body: "something new" });
    const answer = await reply(old.id, { text: "x" });
    assert.equal(answer.status, 409);
    assert.match(answer.json.detail, /newer ticket/);
});

test("a message that was not begun is taken back; what is gone is not", async () => {
    const { id } = await gateway.newTicket();
    const message = await taken(reply(id, { text: "oops" }));
    const { at } = await gateway.tickets("?limit=1");
    const canceled = await post(`/v1/messages/${message.id}/cancel`);
    assert.equal(canceled.status, 200);
    assert.equal(canceled.json.status, "canceled");
    assert.equal(await deliveries(message.id), 0);
    assert.deepEqual((await gateway.events(at)).map((event) => event.type), ["message.canceled"]);
    assert.equal((await post(`/v1/messages/${message.id}/cancel`)).status, 200, "twice is once");

    const begun = await taken(reply(id, { text: "off it goes" }));
    await gateway.sql(`update gateway.delivery set claim_id = gen_random_uuid(), attempts = 1, run_at = now() + interval '1 hour' where message_id = '${begun.id}'`);
    const late = await post(`/v1/messages/${begun.id}/cancel`);
    assert.equal(late.status, 409);
    assert.match(late.json.detail, /on its way/);
    assert.equal((await post(`/v1/messages/${(await gateway.messages(id)).data[0]!.id}/cancel`)).status, 409, "what a customer said cannot be taken back");
    assert.equal((await post(`/v1/messages/${nobody}/cancel`)).status, 404);
    assert.equal((await post(`/v1/messages/${begun.id}/cancel`, undefined, { key: gateway.otherKey })).status, 404);
});

test("what is uncertain is settled by hand, nothing else", async () => {
    const { id } = await gateway.newTicket();
    const uncertain = async () => {
        const message = await taken(reply(id, { text: "who knows" }));
        await gateway.sql(`update gateway.delivery set state = 2, uncertain = true, attempts = 1 where message_id = '${message.id}'`);
        await gateway.sql(`update gateway.message set status = 'uncertain' where message_id = '${message.id}'`);
        return message.id;
    };
    for (const as of ["sent", "failed"]) {
        const message = await uncertain();
        const settled = await post(`/v1/messages/${message}/settle`, { as });
        assert.equal(settled.status, 200, settled.body.toString());
        assert.equal(settled.json.status, as);
        assert.equal(await deliveries(message), 0);
        assert.equal((await post(`/v1/messages/${message}/settle`, { as })).status, 409, "it is certain now");
    }
    const again = await uncertain();
    assert.equal((await post(`/v1/messages/${again}/settle`, { as: "retry" })).status, 200);
    assert.equal(await deliveries(again), 1);

    const queued = await taken(reply(id, { text: "x" }));
    assert.equal((await post(`/v1/messages/${queued.id}/settle`, { as: "sent" })).status, 409);
    await refused(post(`/v1/messages/${queued.id}/settle`, { as: "read" }), "/as");
    await refused(post(`/v1/messages/${queued.id}/settle`, { as: 1 }), "/as");
    await refused(post(`/v1/messages/${queued.id}/settle`, {}), "/as");
    await refused(post(`/v1/messages/${queued.id}/settle`, { as: "sent", odd: 1 }), "/odd");
    assert.equal((await post(`/v1/messages/${nobody}/settle`, { as: "sent" })).status, 404);
    assert.equal((await post(`/v1/messages/${queued.id}/settle`, { as: "sent" }, { key: gateway.otherKey })).status, 404);
});

test("what was sent is found by reference, status and time, page by page, by its own account only", async () => {
    const { id } = await gateway.newTicket();
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) sent.unshift((await taken(reply(id, { text: `${i}`, reference: "a batch & more" }))).id);
    await post(`/v1/messages/${sent[4]}/cancel`);
    const query = `/v1/messages?reference=${encodeURIComponent("a batch & more")}`;
    assert.deepEqual((await gateway.all<Message>(query)).map((one) => one.id), sent);
    const pages = [];
    for (let cursor = ""; pages.length === 0 || cursor; ) {
        const page: { data: Message[]; next: string | null } = await gateway.get(`${query}&limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        pages.push(page.data.map((one) => one.id));
        cursor = page.next ?? "";
    }
    assert.deepEqual(pages, [sent.slice(0, 2), sent.slice(2, 4), sent.slice(4)]);
    assert.deepEqual((await gateway.all<Message>(`${query}&status=canceled`)).map((one) => one.id), [sent[4]]);
    assert.deepEqual((await gateway.all<Message>(`${query}&status=queued`)).map((one) => one.id), sent.slice(0, 4));
    const third = (await gateway.get<Message>(`/v1/messages/${sent[2]}`)).created_at;
    assert.deepEqual((await gateway.all<Message>(`${query}&since=${third}`)).map((one) => one.id), sent.slice(0, 3));
    assert.ok((await gateway.all<Message>("/v1/messages?status=queued")).every((one) => one.kind === "outgoing" && one.status === "queued"));
    assert.deepEqual((await gateway.get(query, { key: gateway.otherKey })).data, []);
    assert.deepEqual((await gateway.get("/v1/messages?reference=nothing")).data, []);

    const { next } = await gateway.get(`${query}&limit=1`);
    assert.equal((await gateway.api(`/v1/messages?limit=1&cursor=${encodeURIComponent(next)}`)).status, 422, "a cursor belongs to its filters");
    for (const wrong of ["status=received", "status=gone", "since=yesterday", "since=2026-01-01", "limit=0", "limit=201", "cursor=x", "odd=1"])
        assert.equal((await gateway.api(`/v1/messages?${wrong}`)).status, 422, wrong);
});

test("an upload has the type and the name that it was given, and its own bytes", async () => {
    const bytes = Buffer.from([0, 255, 1, 2, 3]);
    const answer = await post("/v1/attachments?name=caf%C3%A9.png", bytes, { headers: { "content-type": "Image/PNG; q=1" } });
    assert.equal(answer.status, 201);
    assert.deepEqual({ ...answer.json, id: "" }, { id: "", mime: "image/png", name: "café.png", size: 5, status: "stored", error: null });
    const read = await gateway.api(`/v1/attachments/${answer.json.id}`);
    assert.deepEqual(read.body, bytes);
    assert.equal(read.headers["content-type"], "image/png");
    assert.equal((await gateway.api(`/v1/attachments/${answer.json.id}`, { key: gateway.otherKey })).status, 404);
    assert.notEqual(await upload("same"), await upload("same"), "two uploads may be in two messages, whatever they hold");

    assert.equal((await post("/v1/attachments", "", { headers: { "content-type": "image/png" } })).status, 422);
    for (const type of ["png", "image/", "image/png/x", "image/p ng"]) assert.equal((await post("/v1/attachments", "x", { headers: { "content-type": type } })).status, 415, type);
    await upload("x", "image/png", `?name=${"x".repeat(255)}`);
    for (const query of [`name=${"x".repeat(256)}`, "name=", "odd=1"]) assert.equal((await post(`/v1/attachments?${query}`, "x", { headers: { "content-type": "image/png" } })).status, 422, query);
});

test("an upload has at most 16 MB, and only who shows a key may send so much", async () => {
    const file = (n: number, options: ApiOptions = {}) => post("/v1/attachments", Buffer.alloc(n), { ...options, headers: { "content-type": "image/png" } });
    assert.equal((await file(16 << 20)).status, 201);
    assert.equal((await file(256 << 10, { key: null })).status, 401);
    // What is too large is refused by its head, before any of it is sent.
    const head = async (path: string, n: number, key?: string) => {
        const { text } = await gateway.wire(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${n}\r\n${key ? `Authorization: Bearer ${key}\r\n` : ""}\r\n`);
        return text.slice(0, 12);
    };
    assert.equal(await head("/v1/attachments", (16 << 20) + 1, gateway.key), "HTTP/1.1 413");
    assert.equal(await head("/v1/attachments", (256 << 10) + 1), "HTTP/1.1 413");
    assert.equal(await head("/v1/messages", (256 << 10) + 1, gateway.key), "HTTP/1.1 413", "so much is for files alone");
});

/** The last segment of a URL under /media, as the gateway makes it. */
async function token(attachment: string, change: { expires?: number; account?: string; forge?: boolean } = {}): Promise<string> {
    const secret = Buffer.from(await gateway.sql("select encode(value, 'hex') from gateway.secret where name = 'media'"), "hex");
    const account = BigInt(await gateway.sql(`select account_id from gateway.account where slug = '${change.account ?? "acme"}'`));
    const said = Buffer.alloc(32);
    said.writeBigInt64BE(account, 0);
    Buffer.from(attachment.replaceAll("-", ""), "hex").copy(said, 8);
    said.writeBigInt64BE(BigInt((change.expires ?? Date.now() + 60_000) * 1000), 24);
    const proof = createHmac("sha256", change.forge ? "guess" : secret).update(said).digest().subarray(0, 16);
    return Buffer.concat([said, proof]).toString("base64url");
}

test("a file is fetched by its signed URL without a key, until that expires; nothing else is", async () => {
    const id = await upload("<script>alert(1)</script>", "text/html", "?name=a%22b.html");
    const url = `/media/${await token(id)}`;
    const answer = await gateway.api(url, { key: null });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.toString(), "<script>alert(1)</script>");
    assert.equal(answer.headers["content-type"], "text/html");
    assert.equal(answer.headers["content-disposition"], 'attachment; filename="a_b.html"');
    const head = await request(gateway.url + url, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.equal(head.headers["content-length"], String(answer.body.length));

    await gateway.twilio.receive({ from: newNumber(), body: "Look!", media: [{ url: "https://127.0.0.1:1/m/0", type: "image/jpeg" }] });
    const waiting = await gateway.sql("select attachment_id from gateway.attachment where status = 'waiting' limit 1");
    const good = await token(id);
    const wrong = {
        expired: await token(id, { expires: Date.now() - 1 }),
        forged: await token(id, { forge: true }),
        "of another account": await token(id, { account: "globex" }),
        "of no file": await token(nobody),
        "of a file that is not here yet": await token(waiting),
        changed: (good[0] === "A" ? "B" : "A") + good.slice(1),
        longer: `${good}A`,
        shorter: good.slice(0, -1),
        nothing: "",
        "no token": "x",
        "a path": `${good}/x`,
    };
    const answers = await Promise.all(Object.entries(wrong).map(async ([name, one]) => ({ name, answer: await gateway.api(`/media/${one}`, { key: null }) })));
    for (const { name, answer: { status, json } } of answers) {
        assert.equal(status, 404, name);
        assert.deepEqual({ ...json, request_id: "" }, { type: "about:blank", title: "Not Found", status: 404, request_id: "" }, name);
    }
    assert.equal((await gateway.api(url, { key: null, method: "POST", body: {} })).status, 405);
});

test("the same POST again has the same answer and does nothing again", async () => {
    const { id } = await gateway.newTicket();
    const before = await gateway.count("message");
    const first = await reply(id, { text: "once", reference: "r" }, keyed('"a-key"'));
    assert.equal(first.status, 202);
    assert.equal(first.headers["idempotent-replayed"], undefined);
    for (const key of ['"a-key"', "a-key"]) {
        const again = await reply(id, { text: "once", reference: "r" }, keyed(key));
        assert.equal(again.status, 202);
        assert.equal(again.headers["idempotent-replayed"], "true");
        assert.deepEqual(again.json, first.json);
    }
    assert.equal(await gateway.count("message"), before + 1);
    await refused(reply(id, { text: "other words", reference: "r" }, keyed("a-key")), "Idempotency-Key", /another request/);
    assert.equal((await reply(id, { text: "once", reference: "r" })).headers["idempotent-replayed"], undefined, "without a key it is another");

    const note = await reply(id, { note: "once" }, keyed("a-note"));
    const noted = await reply(id, { note: "once" }, keyed("a-note"));
    assert.deepEqual([noted.status, noted.json.id, noted.headers["idempotent-replayed"]], [201, note.json.id, "true"]);

    const body = { channel: "support-sms", to: `tel:${newNumber()}`, text: "first", attachments: [await upload()] };
    const one = await taken(send(body, keyed("first")));
    assert.equal((await taken(send(body, keyed("first")))).id, one.id, "its file is in a message already: its own");
});

test("twins at one instant are one message", async () => {
    const { id } = await gateway.newTicket();
    const answers = await Promise.all(Array.from({ length: 12 }, () => reply(id, { text: "twin" }, keyed("twins"))));
    assert.deepEqual(answers.map((answer) => answer.status), Array.from({ length: 12 }, () => 202));
    assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
    assert.equal(answers.filter((answer) => answer.headers["idempotent-replayed"] === undefined).length, 1);
    assert.equal(await gateway.count(`message where ticket_id = '${id}' and kind = 'outgoing'`), 1);
});

test("an Idempotency-Key is of one API key, one path and one ticket, and keeps no refusals", async () => {
    const [one, other] = [await gateway.newTicket(), await gateway.newTicket()];
    const first = await taken(reply(one.id, { text: "x" }, keyed("k")));
    assert.notEqual((await taken(reply(other.id, { text: "x" }, keyed("k")))).id, first.id);
    assert.notEqual((await taken(reply(one.id, { text: "x" }, { ...keyed("k"), key: await gateway.makeKey("acme") }))).id, first.id);
    await taken(send({ channel: "support-sms", to: `tel:${one.from}`, text: "x" }, keyed("k")));

    await refused(reply(one.id, { text: "x".repeat(1601) }, keyed("again")), "/text");
    await taken(reply(one.id, { text: "shorter" }, keyed("again")));
    for (const key of ["", '""', "x".repeat(256), `"${"x".repeat(256)}"`, '"open', '"a"b', '"a\\x"', "a\tb", "ü"])
        await refused(reply(one.id, { text: "x" }, keyed(Buffer.from(key).toString("latin1"))), "Idempotency-Key", /255/);
    await taken(reply(one.id, { text: "x" }, keyed("x".repeat(255))));
    await taken(reply(one.id, { text: "x" }, keyed(`"${'\\"'.repeat(255)}"`)));
});

test("an answer is kept whatever has become of the channel since", async () => {
    const { id } = await gateway.newTicket();
    const body = { text: "x", expires_at: new Date(Date.now() + 60_000).toISOString() };
    const first = await taken(reply(id, body, keyed("kept")));
    await gateway.sql("update gateway.channel set disabled_at = now() where slug = 'support-sms'");
    try {
        assert.equal((await taken(reply(id, body, keyed("kept")))).id, first.id);
    } finally {
        await gateway.sql("update gateway.channel set disabled_at = null");
    }
});

test("cancel, settle, upload and reprocess keep their answers, too", async () => {
    const { id } = await gateway.newTicket();
    const same = async (path: string, body: unknown, key: string, options: ApiOptions = {}) => {
        const all = await Promise.all(Array.from({ length: 3 }, () => post(path, body, { headers: { ...options.headers, "idempotency-key": key } })));
        assert.ok(all.every((answer) => answer.status === all[0]!.status && answer.status < 300), all.map((answer) => answer.body.toString()).join());
        assert.equal(all.filter((answer) => answer.headers["idempotent-replayed"] === "true").length, 2);
        for (const answer of all) assert.deepEqual(answer.json, all[0]!.json);
    };
    const canceled = await taken(reply(id, { text: "x" }));
    await same(`/v1/messages/${canceled.id}/cancel`, undefined, "cancel");
    const unsure = await taken(reply(id, { text: "x" }));
    await gateway.sql(`update gateway.delivery set state = 2, uncertain = true, attempts = 1 where message_id = '${unsure.id}'`);
    await gateway.sql(`update gateway.message set status = 'uncertain' where message_id = '${unsure.id}'`);
    await same(`/v1/messages/${unsure.id}/settle`, { as: "failed" }, "settle");
    await refused(post(`/v1/messages/${unsure.id}/settle`, { as: "sent" }, keyed("settle")), "Idempotency-Key");
    const files = await gateway.count("attachment");
    await same("/v1/attachments?name=x", "a file", "upload", { headers: { "content-type": "image/png" } });
    assert.equal(await gateway.count("attachment"), files + 1);
    await refused(post("/v1/attachments?name=y", "a file", { headers: { "content-type": "image/png", "idempotency-key": "upload" } }), "Idempotency-Key");

    await gateway.twilio.raw([["AccountSid", accountSid], ["Riddle", "x"]]);
    const entry = (await gateway.get("/v1/quarantine?status=waiting")).data[0].id;
    const first = await post(`/v1/quarantine/${entry}/reprocess`, undefined, keyed("reprocess"));
    const again = await post(`/v1/quarantine/${entry}/reprocess`, undefined, keyed("reprocess"));
    assert.equal(again.status, first.status);
});

test("reading and sending are two permissions", async () => {
    const { id } = await gateway.newTicket();
    const message = await taken(reply(id, { text: "x" }));
    const reader = { key: await gateway.makeKey("acme", "tickets:read") };
    const sender = { key: await gateway.makeKey("acme", "messages:send") };
    const body = { channel: "support-sms", to: `tel:${newNumber()}`, text: "x" };
    for (const [path, what] of [
        [`/v1/tickets/${id}/messages`, { text: "x" }],
        [`/v1/tickets/${id}/messages`, { note: "x" }],
        ["/v1/messages", body],
        [`/v1/messages/${message.id}/cancel`, {}],
        [`/v1/messages/${message.id}/settle`, { as: "sent" }],
        ["/v1/attachments", "x"],
    ] as const) {
        const refusal = await post(path, what, reader);
        assert.equal(refusal.status, 403, path);
        assert.match(refusal.json.detail, /messages:send/);
        assert.notEqual((await post(path, what, sender)).status, 403, path);
        assert.equal((await post(path, what, { key: null })).status, 401, path);
    }
    assert.equal((await gateway.api("/v1/messages", reader)).status, 200);
    assert.equal((await gateway.api("/v1/messages", sender)).status, 403);
});

test("another account's ticket is not there", async () => {
    const { id } = await gateway.newTicket();
    const before = await gateway.count("message");
    assert.equal((await reply(id, { text: "x" }, { key: gateway.otherKey })).status, 404);
    assert.equal((await reply(id, { note: "x" }, { key: gateway.otherKey })).status, 404);
    assert.equal((await reply(nobody, { text: "x" })).status, 404);
    assert.equal(await gateway.count("message"), before);
});

test("customers' words and file names are in no log", async () => {
    const { id } = await gateway.newTicket();
    await taken(reply(id, { text: "xylophone-secret" }));
    await refused(reply(id, { text: "xylophone-secret", reference: "xylophone-secret".repeat(30) }), "/reference");
    await upload("xylophone-secret", "image/png", "?name=xylophone-secret");
    assert.ok(!gateway.logText().includes("xylophone-secret"));
});
