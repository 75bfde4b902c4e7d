// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's Meta is held against what is known of the real one: its signature over escaped JSON, its answers, limits and habits. Without a
// gateway: a small server stands where that would listen.

import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { metaJson, metaSignature, tap, type Json } from "../../sandbox/graph.js";
import { day, titleOf } from "../../sandbox/graph_account.js";
import { GraphApi } from "../../sandbox/graph_api.js";
import { request } from "../../sandbox/http.js";
import { Kept } from "../../sandbox/kept.js";

const secret = "app_secret_for_test";
const number = { id: "106540352242922", display: "15550783881", waba: "102290129340398" };
const graph = new GraphApi({ accessToken: "token", appSecret: secret, verifyToken: "verify", number, hook: "/hook" });

const told = new Kept<{ body: string; signature: string }>("webhooks");
const gateway = http.createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("latin1").on("data", (piece: string) => (body += piece));
    incoming.on("end", () => {
        told.push({ body, signature: String(incoming.headers["x-hub-signature-256"]) });
        response.end();
    });
});

before(async () => {
    await graph.start();
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    graph.gateway = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    graph.account.addTemplate({ name: "order", components: [{ type: "HEADER", format: "IMAGE" }, { type: "BODY", text: "Hi {{1}}, {{2}} is ready" }] });
    for (let i = 0; i < 30; i++) graph.account.addTemplate({ name: `t${i}`, language: "en_US", components: [{ type: "BODY", text: "Hi {{first_name}}" }] });
});
after(async () => {
    await graph.stop();
    gateway.close();
    gateway.closeAllConnections();
});
beforeEach(() => graph.well());

async function call(path: string, options: { method?: string; body?: Json | Buffer; type?: string; headers?: http.OutgoingHttpHeaders } = {}): Promise<{ status: number; json: any; bytes: Buffer }> {
    const body = options.body === undefined || Buffer.isBuffer(options.body) ? options.body : JSON.stringify(options.body);
    const headers = options.headers ?? { authorization: "Bearer token" };
    const answer = await request(path.startsWith("http") ? path : `${graph.url}${path}`, {
        method: options.method ?? (body === undefined ? "GET" : "POST"), body, headers: { ...headers, "content-type": options.type ?? "application/json" },
    });
    return { status: answer.status, json: /json/.test(String(answer.headers["content-type"])) ? JSON.parse(answer.body.toString()) : undefined, bytes: answer.body };
}

const send = (more: Json) => call(`/v25.0/${number.id}/messages`, { body: { messaging_product: "whatsapp", to: "+16505551234", ...more } });
const text = (body: string, more: Json = {}) => send({ type: "text", text: { body }, ...more });
const codeOf = async (answer: Promise<{ json: any }>) => (await answer).json.error?.code;
const hello = (from = "16505551234") => graph.receive({ from, text: "Hi" });

test("JSON is escaped as Meta escapes it, and signed over those bytes", () => {
    const body = metaJson({
        object: "whatsapp_business_account",
        entry: [{ id: number.waba, changes: [{ value: {
            messaging_product: "whatsapp", metadata: { display_phone_number: number.display, phone_number_id: number.id },
            contacts: [{ profile: { name: "Jörg" }, wa_id: "16505551234" }],
            messages: [{ from: "16505551234", id: "wamid.TEST1", timestamp: "1749416383", type: "text", text: { body: "mail me @ a@b.c 😀 https://x.y/" } }],
        }, field: "messages" }] }],
    });
    assert.equal(Buffer.byteLength(body), 468);
    assert.equal(metaSignature(secret, body), "sha256=41b9514265afa1761e015fea91e5137131f25b5b8cd8cc64166027a8aa93f331");
    assert.equal(metaJson("<50%\0\ud800"), '"\\u003C50\\u0025\\u0000\\ud800"');
});

test("what a customer says is told as Meta tells it", async () => {
    const { id } = await graph.receive({ from: { wa_id: "16505551234", user_id: "US.1", name: "Jörg" }, ...tap("yes", "Yes", "wamid.OUT") });
    const { body, signature } = await told.next(({ body }) => body.includes("button_reply"));
    assert.equal(signature, metaSignature(secret, body));
    const { value } = JSON.parse(body).entry[0].changes[0];
    assert.deepEqual(value.contacts, [{ profile: { name: "Jörg" }, wa_id: "16505551234", user_id: "US.1" }]);
    assert.deepEqual([value.metadata.phone_number_id, value.messages[0].id, value.messages[0].from_user_id, value.messages[0].context.id], [number.id, id, "US.1", "wamid.OUT"]);
});

test("a message is accepted, reaches the phone, and its statuses carry the opaque id", async () => {
    await hello();
    const { json } = await text("Hello", { biz_opaque_callback_data: "m/0" });
    const id = json.messages[0].id;
    assert.deepEqual(json.contacts, [{ input: "+16505551234", wa_id: "16505551234" }]);
    await graph.receipts.idle();
    assert.deepEqual(graph.byOpaque("m/0").map(({ sid, status }) => [sid, status]), [[id, "delivered"]]);
    const statuses = told.all.flatMap(({ body }) => JSON.parse(body).entry[0].changes[0].value.statuses ?? []).filter((one) => one.id === id);
    assert.deepEqual(statuses.map(({ status, biz_opaque_callback_data }) => [status, biz_opaque_callback_data]), [["sent", "m/0"], ["delivered", "m/0"]]);
});

test("free text is refused, or fails, a day after the customer's last word; a template is not", async () => {
    await hello("4915112345678");
    const to = { to: "+4915112345678" };
    const template = { ...to, type: "template", template: { name: "t1", language: { code: "en_US" }, components: [{ type: "body", parameters: [{ type: "text", parameter_name: "first_name", text: "Ana" }] }] } };
    assert.equal((await text("in time", to)).status, 200);
    graph.jump(day);
    assert.equal(await codeOf(text("too late", to)), 131047);
    assert.equal((await send(template)).json.messages[0].message_status, "accepted");
    graph.refusesLate = true;
    const { json } = await text("taken, and fails", to);
    await graph.receipts.idle();
    const late = graph.account.find(json.messages[0].id);
    assert.deepEqual([late?.status, late?.errorCode], ["failed", 131047]);
    await hello("4915112345678");
    assert.equal((await text("in time again", to)).status, 200);
});

test("what Meta does not take is refused with its code", async () => {
    await hello();
    const interactive = (more: Json) => send({ type: "interactive", interactive: { body: { text: "?" }, ...more } });
    const buttons = (...titles: string[]) => interactive({ type: "button", action: { buttons: titles.map((title, i) => ({ type: "reply", reply: { id: `${i}`, title } })) } });
    const template = (name: string, components: Json[]) => send({ type: "template", template: { name, language: { code: "en" }, components } });
    const cases: [Promise<{ json: any }>, number | undefined][] = [
        [text("Hello", { to: "16505551234" }), 131009],
        [text("Hello", { messaging_product: "sms" }), 100],
        [text("x".repeat(4097)), 131009],
        [send({ type: "text" }), 131008],
        [send({ type: "hologram", hologram: {} }), 131051],
        [buttons("Yes", "No"), undefined],
        [buttons("Yes", "Yes"), 131009],
        [buttons("a", "b", "c", "d"), 131009],
        [buttons("x".repeat(21)), 131009],
        [send({ type: "image", image: { id: "1" } }), 131009],
        [send({ type: "image", image: { link: "https://x.y/a.png", caption: "x".repeat(1025) } }), 131009],
        [template("nothing", []), 132001],
        [template("order", [{ type: "header", parameters: [{ type: "image", image: { link: "https://x.y" } }] }, { type: "body", parameters: [{ type: "text", text: "Ana" }] }]), 132000],
        [template("order", [{ type: "body", parameters: [{ type: "text", text: "Ana" }, { type: "text", text: "it" }] }]), 132012],
        [call("/v25.0/1/messages", { body: {} }), 33],
        [call("/v25.0/1", { headers: {} }), 190],
    ];
    for (const [i, [answer, code]] of cases.entries()) assert.equal(await codeOf(answer), code, `case ${i}`);
});

test("a file is uploaded, its URL lives five minutes and wants the token", async () => {
    const png = Buffer.from("\x89PNG\r\n\x1a\n\0\r\n--x", "latin1");
    const body = Buffer.concat([
        Buffer.from('--x\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'),
        png.subarray(0, 8), Buffer.from("\r\n--x--\r\n"),
    ]);
    graph.fault({ kind: "error", code: 131053 }, { of: "upload", times: 1 });
    const upload = () => call(`/v25.0/${number.id}/media`, { body, type: "multipart/form-data; boundary=x" });
    assert.equal(await codeOf(upload()), 131053);
    const { id } = (await upload()).json;
    const { url, file_size, mime_type } = (await call(`/v25.0/${id}?phone_number_id=${number.id}`)).json;
    assert.deepEqual([file_size, mime_type], [8, "image/png"]);
    assert.equal((await call(url)).bytes.length, 8);
    assert.equal((await call(url, { headers: {} })).status, 401);
    graph.jump(6 * 60_000);
    assert.equal((await call(url)).status, 404);
    await hello();
    assert.equal((await send({ type: "image", image: { id } })).status, 200);
    assert.equal(await codeOf(send({ type: "sticker", sticker: { id } })), 131053);
    assert.deepEqual((await call(`/v25.0/${id}`, { method: "DELETE" })).json, { success: true });
    assert.equal(await codeOf(call(`/v25.0/${id}`)), 100);
});

test("templates come page by page, a number with the fields that are asked for", async () => {
    const first = (await call(`/v25.0/${number.waba}/message_templates?limit=20`)).json;
    const second = (await call(`/v25.0/${number.waba}/message_templates?limit=20&after=${encodeURIComponent(first.paging.cursors.after)}`)).json;
    assert.deepEqual([first.data.length, second.data.length, second.paging.next], [20, 11, undefined]);
    assert.match(first.paging.next, /after=/);
    assert.deepEqual((await call(`/v25.0/${number.id}?fields=display_phone_number,quality_rating`)).json, { display_phone_number: `+${number.display}`, quality_rating: "GREEN", id: number.id });
});

test("360dialog's form names neither version nor number, and gives Meta's host", async () => {
    const headers = { "d360-api-key": "token" };
    await hello();
    assert.equal((await call("/messages", { headers, body: { messaging_product: "whatsapp", to: "+16505551234", text: { body: "Hi" } } })).status, 200);
    const { id } = graph.file(Buffer.from("x"), "image/png") as { id: string };
    const { url } = (await call(`/${id}`, { headers })).json;
    assert.match(url, /^https:\/\/lookaside\.fbsbx\.com\//);
    assert.equal((await call(url.replace("https://lookaside.fbsbx.com", graph.url), { headers })).bytes.toString(), "x");
});

test("read and typing are signals about a message that came in", async () => {
    const { id } = await hello();
    const answer = await call(`/v25.0/${number.id}/messages`, { body: { messaging_product: "whatsapp", status: "read", message_id: id, typing_indicator: { type: "text" } } });
    assert.deepEqual(answer.json, { success: true });
    assert.deepEqual(graph.signals.all, [{ number: number.id, message: id, typing: true }]);
});

test("failures: any code, a page with 503, no answer though it was sent, a status that says failed", async () => {
    await hello();
    const before = graph.accepted.all.length;
    graph.fault({ kind: "error", code: 131056 }, { times: 1 });
    const limited = await text("a");
    assert.deepEqual([limited.status, limited.json.error.message], [429, `(#131056) ${titleOf(131056)}`]);
    graph.fault({ kind: "html", status: 503 }, { times: 1 });
    assert.equal((await text("b")).status, 503);
    graph.fault({ kind: "close", accepts: true }, { times: 1 });
    await assert.rejects(text("c"));
    assert.equal(graph.accepted.all.length, before + 1);
    graph.habit({ code: 131026 }, { times: 1 });
    const { json } = await text("d");
    await graph.receipts.idle();
    assert.equal(graph.account.find(json.messages[0].id)?.errorCode, 131026);
    const status = told.all.flatMap(({ body }) => JSON.parse(body).entry[0].changes[0].value.statuses ?? []).at(-1);
    assert.deepEqual([status.status, status.errors[0].code], ["failed", 131026]);
});
