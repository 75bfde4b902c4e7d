// SPDX-License-Identifier: Apache-2.0
//
// Rich content on its way to a channel: what goes as it is, what is changed and how that is told, what is refused, and what a dry run says of it.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { Gateway, newNumber, type ApiAnswer } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("rich");
    const wa = '{adapter: whatsapp, phone_number_id: "1065", access_token: token, app_secret: secret, verify_token: verify, api_url: "http://127.0.0.1:9", allow_private: true}';
    fs.writeFileSync(gateway.configFile, gateway.config().replace("    channels:\n", `    channels:\n      wa: ${wa}\n`));
    await gateway.restart();
    // Nothing leaves: what is queued stays queued, so that it can be looked at.
    await gateway.pauseAll();
    await gateway.restart();
});
after(() => gateway?.stop());

const acme = "(select account_id from gateway.account where slug = 'acme')";
const wa = "(select channel_id from gateway.channel where slug = 'wa')";
const post = (path: string, body: unknown, headers = {}): Promise<ApiAnswer> => gateway.api(path, { method: "POST", body, headers });
const reply = (ticket: string, body: unknown, query = "") => post(`/v1/tickets/${ticket}/messages${query}`, body);
const sms = (content: unknown, more = {}, query = "") => post(`/v1/messages${query}`, { channel: "support-sms", to: `tel:${newNumber()}`, content, ...more });
let people = 0;
/** Somebody who has just written. */
async function person(): Promise<string> {
    const uri = `whatsapp:1555700${String(++people).padStart(4, "0")}`;
    await gateway.sql(`insert into gateway.pair (account_id, channel_id, uri, window_until) values (${acme}, ${wa}, '${uri}', now () + interval '1 day')`);
    return uri;
}
const whatsapp = async (content: unknown, more = {}, query = "") => post(`/v1/messages${query}`, { channel: "wa", to: await person(), content, ...more });

async function upload(bytes: Buffer | string, type: string): Promise<string> {
    const answer = await gateway.api("/v1/attachments", { method: "POST", body: bytes, headers: { "content-type": type } });
    assert.equal(answer.status, 201, answer.body.toString());
    return answer.json.id;
}

async function taken(answer: Promise<ApiAnswer>, status = 202): Promise<any> {
    const { status: got, json, body } = await answer;
    assert.equal(got, status, body.toString());
    return json;
}

/** 422 at that place of the body. */
async function refused(answer: Promise<ApiAnswer>, place: string, words = /./): Promise<void> {
    const { status, json, body } = await answer;
    assert.equal(status, 422, `${place}: ${body.toString()}`);
    assert.deepEqual(json.errors?.map((error: { pointer: string }) => error.pointer), [place], body.toString());
    assert.match(json.detail, words);
}

const options = (n: number, title = "Day") => Array.from({ length: n }, (_, i) => ({ id: `d${i + 1}`, title: `${title} ${i + 1}` }));
const choice = (n: number, more = {}) => ({ kind: "choice", text: "When?", options: options(n), ...more });
const asked = (message: string) =>
    gateway.sql(`select coalesce (choice::text, 'none') || ' ' || coalesce ((choice_until - now() > interval '23 hours')::text, '') from gateway.pair where choice_message = '${message}'`);

test("by SMS a choice is numbered, and its options are known for a day", async () => {
    const message = await taken(sms(choice(2)));
    assert.equal(message.text, "When?\n1) Day 1\n2) Day 2");
    assert.deepEqual(message.content, { kind: "text", text: message.text, original: choice(2) });
    assert.deepEqual(message.rendering, { native: false, steps: ["choice→numbered"] });
    assert.equal(message.segments.encoding, "GSM-7");
    assert.equal(await asked(message.id), '[{"id": "d1", "title": "Day 1"}, {"id": "d2", "title": "Day 2"}] true');
    assert.deepEqual((await gateway.get(`/v1/messages/${message.id}`)).rendering, message.rendering);
    await refused(sms(choice(2), { fallback: { mode: "strict" } }), "/content/kind", /choice→numbered.*text, media/);
    const given = await taken(sms(choice(2), { fallback: { mode: "text", text: "Call us" } }));
    assert.deepEqual([given.text, given.rendering], ["Call us", { native: false, steps: ["choice→given text"] }]);
    assert.equal(await gateway.sql(`select count(*) from gateway.pair where choice_message = '${given.id}'`), "0");
});

test("by WhatsApp three options are buttons, more a list, more than ten are numbered", async () => {
    for (const [n, style] of [[1, "buttons"], [3, "buttons"], [4, "list"], [10, "list"]] as const) {
        const message = await taken(whatsapp(choice(n)));
        assert.deepEqual([message.content.kind, message.content.style, message.content.options.length], ["choice", style, n]);
        assert.deepEqual(message.content.options[0], { id: "d1", title: "Day 1", type: "reply" });
        assert.deepEqual(message.rendering, { native: true, steps: [] });
        assert.match(message.text, /^When\?\n1\) Day 1/, "for those who read it here");
    }
    const many = await taken(whatsapp(choice(11)));
    assert.deepEqual([many.content.kind, many.rendering.steps], ["text", ["choice→numbered"]]);
});

test("titles have 20 characters on a button; a longer one is cut, and whole in the text", async () => {
    const title = (length: number) => ({ kind: "choice", text: "When?", options: [{ title: "x".repeat(length) }] });
    assert.deepEqual((await taken(whatsapp(title(20)))).rendering.steps, []);
    const cut = await taken(whatsapp(title(21)));
    assert.deepEqual(cut.rendering, { native: true, steps: ["title cut"] });
    assert.equal(cut.content.options[0].title, `${"x".repeat(19)}…`);
    assert.equal(cut.content.text, `When?\n${"x".repeat(21)}`);
    assert.deepEqual(cut.content.original, title(21));
    await refused(whatsapp(title(21), { fallback: { mode: "strict" } }), "/content/options", /title cut/);
});

test("texts and questions have their limits", async () => {
    for (const [length, parts] of [[4096, 1], [4097, 2], [16384, 4]] as const) {
        const dry = await taken(whatsapp({ kind: "text", text: "x".repeat(length) }, {}, "?dry_run=true"), 200);
        assert.deepEqual([dry.parts, dry.rendering], [parts, { native: true, steps: parts > 1 ? ["text→parts"] : [] }]);
    }
    await refused(whatsapp({ kind: "text", text: "x".repeat(16385) }), "/content/text", /16384/);
    await refused(whatsapp({ kind: "text", text: "x".repeat(4097) }, { fallback: { mode: "strict" } }), "/content/text", /text→parts/);
    for (const [length, style] of [[1024, "buttons"], [1025, "list"], [4096, "list"]] as const)
        assert.equal((await taken(whatsapp(choice(2, { text: "x".repeat(length) })))).content.style, style);
    assert.deepEqual((await taken(whatsapp(choice(2, { text: "x".repeat(4097) })))).rendering.steps, ["choice→numbered", "text→parts"]);
    await refused(whatsapp(choice(2, { text: "x".repeat(16384) })), "/content", /16384/);
});

test("each kind is checked before it is stored, with the place of what is wrong", async () => {
    const before = await gateway.count("message");
    for (const [content, place] of [
        [{ kind: "choice", text: "x", options: [] }, "/content/options"],
        [{ kind: "choice", text: "x", options: options(101) }, "/content/options"],
        [{ kind: "choice", text: "x", options: [{ title: "a", id: "x" }, { title: "b", id: "x" }] }, "/content/options/1/id"],
        [{ kind: "contacts", cards: [{ org: "Acme" }] }, "/content/cards/0/name"],
        [{ kind: "cards", items: Array(11).fill({ title: "x" }) }, "/content/items"],
        [{ kind: "cards", items: [{ title: "x", file: 0 }] }, "/content/items/0/file"],
        [{ kind: "template", name: "x", params: "x" }, "/content/params"],
        [{ kind: "reaction", target: "wamid.1", emoji: "x" }, "/content/target"],
        [{ kind: "form", data: {} }, "/content/data"],
        [{ kind: "event" }, "/content/type"],
        [{ kind: "text", text: "x", native: { whatsapp: 1 } }, "/content/native/whatsapp"],
    ] as const)
        for (const send of [sms, whatsapp]) await refused(send(content), place);
    assert.equal(await gateway.count("message"), before);
});

test("a file that is no picture of the channel's goes as a document; one too large for that is refused", async () => {
    const gif = await taken(whatsapp({ kind: "media", text: "Look" }, { attachments: [await upload("GIF89a", "image/gif")] }));
    assert.equal(gif.content.media[0].media_kind, "document");
    assert.deepEqual(gif.rendering, { native: true, steps: ["image→document"] });
    const png = await upload("png", "image/png");
    await refused(whatsapp({ kind: "media" }, { attachments: [await upload("GIF89a", "image/gif")], fallback: { mode: "strict" } }), "/attachments/0", /image→document/);
    const question = await taken(whatsapp(choice(2), { attachments: [png] }));
    assert.deepEqual(question.content.media, [{ media_kind: "image", mime: "image/png", index: 0 }]);
    assert.equal(question.content.kind, "choice");
    assert.deepEqual(question.rendering.steps, []);
    const list = await taken(whatsapp(choice(4), { attachments: [await upload("png", "image/png")] }, "?dry_run=true"), 200);
    assert.deepEqual([list.content.style, list.parts, list.rendering.steps], ["list", 2, ["header→message"]]);
});

test("a dry run says what would be sent, and sends nothing", async () => {
    const { id, from } = await gateway.newTicket();
    const [messages, { at }] = [await gateway.count("message"), await gateway.tickets("?limit=1")];
    const dry = await taken(reply(id, { content: choice(2, { text: "Wann? ✓" }) }, "?dry_run=true"), 200);
    assert.deepEqual(dry, {
        dry_run: true,
        channel: "support-sms",
        to: `tel:${from}`,
        content: { kind: "text", text: "Wann? ✓\n1) Day 1\n2) Day 2", original: choice(2, { text: "Wann? ✓" }) },
        text: "Wann? ✓\n1) Day 1\n2) Day 2",
        parts: 1,
        segments: { segments: 1, encoding: "UCS-2", units: 25 },
        rendering: { native: false, steps: ["choice→numbered"] },
    });
    const first = newNumber();
    const long = await taken(post("/v1/messages?dry_run=true", { channel: "support-sms", to: `tel:${first}`, text: "x".repeat(161) }), 200);
    assert.deepEqual([long.segments.segments, long.segments.encoding, long.rendering], [2, "GSM-7", { native: true, steps: [] }]);
    const media = await taken(post("/v1/messages?dry_run=true", { channel: "support-sms", to: `tel:${first}`, attachments: [await upload("a", "image/png")] }), 200);
    assert.deepEqual([media.text, media.segments, media.content.kind], [null, null, "media"]);
    assert.equal(await gateway.count("message"), messages);
    assert.equal(await gateway.count(`pair where uri = 'tel:${first}'`), 0);
    assert.equal(await gateway.count("delivery d where not exists (select from gateway.message m where m.message_id = d.message_id)"), 0);
    assert.deepEqual(await gateway.events(at), []);
    await taken(reply(id, { text: "x" }, "?dry_run=false"));
});

test("a dry run is refused as the real one would be, and uses no Idempotency-Key up", async () => {
    const { id, from } = await gateway.newTicket();
    await refused(reply(id, { text: "x".repeat(1601) }, "?dry_run=true"), "/text", /1600/);
    await refused(reply(id, { content: choice(1), fallback: { mode: "strict" } }, "?dry_run=true"), "/content/kind");
    await refused(reply(id, { text: "x" }, "?dry_run=perhaps"), "dry_run");
    await refused(reply(id, { note: "x" }, "?dry_run=true"), "/note");
    await refused(reply(id, { text: "x", in_reply_to: "01900000-0000-7000-8000-000000000000" }, "?dry_run=true"), "/in_reply_to");
    assert.equal((await reply("01900000-0000-7000-8000-000000000000", { text: "x" }, "?dry_run=true")).status, 404);
    const unread = await reply(id, { text: "x", seen: 0 }, "?dry_run=true");
    assert.deepEqual([unread.status, unread.json.newer.length], [409, 1]);
    const key = { "idempotency-key": "dry-then-real" };
    await taken(post(`/v1/tickets/${id}/messages?dry_run=true`, { text: "x" }, key), 200);
    await taken(post(`/v1/tickets/${id}/messages`, { text: "x" }, key));
    await gateway.sql(`insert into gateway.opt_out (account_id, opt_out_id, uri, source, at) values (${acme}, gen_random_uuid(), 'tel:${from}', 'agent', now())`);
    const closed = await reply(id, { text: "x" }, "?dry_run=true");
    assert.equal(closed.status, 409);
    assert.match(closed.json.detail, /opted out/);
});

test("an SMS cannot say which message it answers, so it quotes its beginning, and says that it did", async () => {
    const { id } = await gateway.newTicket();
    const [hello] = (await gateway.messages(id)).data;
    const answer = { text: "Hi", in_reply_to: hello!.id };
    const sent = await taken(reply(id, answer));
    assert.deepEqual([sent.text, sent.in_reply_to, sent.rendering.steps], ["> hello\nHi", hello!.id, ["reply_to→quote"]]);
    assert.equal((await taken(reply(id, answer, "?dry_run=true"), 200)).segments.units, "> hello\nHi".length);
    await refused(reply(id, { ...answer, fallback: { mode: "strict" } }), "/in_reply_to", /reply_to→quote/);
    const note = await taken(reply(id, { note: "for us alone" }), 201);
    assert.equal((await taken(reply(id, { text: "Hi", in_reply_to: note.id }))).text, "Hi", "a note is shown to nobody");
});

test("a reaction is to a message of the ticket", async () => {
    const { id } = await gateway.newTicket();
    const other = await gateway.newTicket();
    const [incoming] = (await gateway.messages(id)).data;
    const liked = await taken(reply(id, { content: { kind: "reaction", target: incoming!.id, emoji: "👍" } }));
    assert.deepEqual([liked.text, liked.in_reply_to, liked.rendering.steps], ["> hello\n👍", incoming!.id, ["reaction→text", "reply_to→quote"]]);
    const reaction = (target: string) => ({ content: { kind: "reaction", target, emoji: "👍" } });
    await refused(reply(other.id, reaction(incoming!.id)), "/content/target");
    await refused(reply(id, { ...reaction(incoming!.id), in_reply_to: liked.id }), "/in_reply_to");
    await refused(reply(id, { content: { kind: "reaction", target: incoming!.id, emoji: null } }), "/content/emoji");
});

test("after the reply window only a template goes, and it gives what the provider's list says that it asks for", async () => {
    await gateway.sql(`update gateway.channel set reply_window = '24 hours' where channel_id = ${wa}`);
    try {
        const to = await person();
        await gateway.sql(`update gateway.pair set window_until = now () where uri = '${to}'`);
        const send = (content: unknown, query = "") => post(`/v1/messages${query}`, { channel: "wa", to, content });
        const template = (more = {}) => ({ kind: "template", name: "order_ready", lang: "en_US", params: ["Ana", "4711"], ...more });
        for (const query of ["", "?dry_run=true"]) {
            const closed = await send({ kind: "text", text: "x" }, query);
            assert.equal(closed.status, 409, closed.body.toString());
            assert.match(closed.json.detail, /reply window is closed: send a template, see \/v1\/channels\/wa\/templates/);
        }
        const unknown = await taken(send(template()));
        assert.equal(unknown.text, "order_ready: Ana, 4711", "before the provider's list is there, it goes as it is given");
        await refused(send(template({ lang: undefined })), "/content/lang");

        await gateway.sql(`update gateway.channel_state set templates_at = now() where channel_id = ${wa}`);
        const body = JSON.stringify([{ type: "BODY", text: "Hello {{1}}, your order {{2}} is ready" }]);
        await gateway.sql(`insert into gateway.template (account_id, channel_id, name, lang, status, components) values (${acme}, ${wa}, 'order_ready', 'en_US', 'APPROVED', '${body}'), (${acme}, ${wa}, 'order_ready', 'de', 'PAUSED', '${body}')`);
        const sent = await taken(send(template()));
        assert.equal(sent.text, "Hello Ana, your order 4711 is ready");
        assert.deepEqual([sent.content, sent.rendering], [template(), { native: true, steps: [] }]);
        await refused(send(template({ params: ["Ana"] })), "/content/params/1", /missing/);
        await refused(send(template({ params: ["Ana", "1", "2"] })), "/content/params/2", /too many/);
        await refused(send(template({ lang: "de" })), "/content/name", /PAUSED/);
        await refused(send(template({ lang: "fr" })), "/content/name", /no such template/);
        await refused(send(template({ name: "odd" })), "/content/name", /no such template/);

        await gateway.sql(`update gateway.pair set window_until = now() + interval '1 hour' where uri = '${to}'`);
        await taken(send({ kind: "text", text: "x" }));
    } finally {
        await gateway.sql("update gateway.channel set reply_window = null");
    }
});

test("one channel's own JSON goes there, and the rest elsewhere", async () => {
    const content = { kind: "choice", text: "Pick", options: options(2), native: { whatsapp: { type: "interactive", interactive: { type: "product" } } } };
    const own = await taken(whatsapp(content));
    assert.deepEqual([own.content, own.rendering], [content, { native: true, steps: [] }]);
    const other = await taken(sms(content));
    assert.deepEqual([other.text, other.rendering.steps], ["Pick\n1) Day 1\n2) Day 2", ["choice→numbered"]]);
});
