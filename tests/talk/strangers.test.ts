// SPDX-License-Identifier: Apache-2.0
//
// What is not authentic stays out and learns nothing; what is authentic but not understood is kept.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { formEncode, newSid, twilioSignature, type Variant } from "../../sandbox/twilio.js";
import { authToken, Gateway, publicUrl, until } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("strangers", { limits: { hook_body: "16kB", api_body: "16kB", request_time: "1s", streams: 2 } });
});
after(() => gateway?.stop());

/** Rows that anything stored would leave. */
const stored = () => gateway.sql("select (select count(*) from gateway.journal) + (select count(*) from gateway.message) + (select count(*) from gateway.quarantine) + (select count(*) from gateway.receipt)");

const withoutDate = (headers: object) => Object.fromEntries(Object.entries(headers).filter(([name]) => !["date", "x-request-id"].includes(name)));

test("a wrong signature, an unknown channel and an unknown account get the same bytes, and nothing is stored", async () => {
    const before = await stored();
    const sms = { from: "+15551110001", body: "let me in" };
    const sealed: Variant[] = [
        { signature: "wrong" },
        { signature: "missing" },
        { signature: "empty" },
        { signature: "body" },
        { signature: "wrong", form: "get" },
        { signature: "wrong", form: "json" },
        { signature: "body", form: "json" },
        { headers: { "x-twilio-signature": "A".repeat(5000) } },
    ];
    const answers = [];
    for (const variant of sealed) answers.push(await gateway.twilio.receive(sms, variant));
    for (const where of [{ channel: "no-such-channel" }, { account: "nobody" }, { account: "nobody", channel: "x" }]) {
        answers.push(await gateway.sandbox(where).receive(sms));
    }
    // Twilio signs, so its channels have no third segment, not even a rightly signed one.
    for (const more of ["/", "/more", "/more/still", "//"]) {
        answers.push(await gateway.sandbox({ channel: `support-sms${more}` }).receive(sms));
        answers.push(await gateway.sandbox({ channel: `no-such-channel${more}` }).receive(sms));
    }
    // The right signature of another channel is a wrong one.
    const other = gateway.sandbox({ channel: "sales-sms" }).options.publicUrl!;
    answers.push(await gateway.sandbox({ publicUrl: other }).receive(sms));
    const reference = answers[0]!;
    assert.equal(reference.status, 403);
    for (const answer of answers) {
        assert.equal(answer.status, 403);
        assert.equal(answer.attempts, 1);
        assert.equal(answer.body, reference.body);
        assert.deepEqual(withoutDate(answer.headers), withoutDate(reference.headers));
    }
    assert.equal(await stored(), before);
    const told = gateway.logText().match(/"hook.refused".*/g) ?? [];
    assert.equal(told.length, 1, "the log says so, once in a minute");
    assert.match(told[0]!, /channel acme\/support-sms: a request was not signed/);
});

test("a webhook by GET arrives whole: as long as a message can be, or with a zero byte in it", async () => {
    const long = "\u{1f600}".repeat(1600);
    const files = Array.from({ length: 10 }, (_, i) => ({
        url: `https://api.twilio.com/2010-04-01/Accounts/${newSid("AC")}/Messages/${newSid("MM")}/Media/${newSid("ME")}${i}`,
        type: "image/jpeg",
    }));
    const text = async (from: string) => (await gateway.messages((await gateway.ticketOf(from)).id)).data[0]?.text ?? "";
    assert.equal((await gateway.twilio.receive({ from: "+15551110050", body: long, media: files }, { form: "get" })).status, 200);
    assert.equal(await text("+15551110050"), long);
    assert.equal((await gateway.twilio.receive({ from: "+15551110051", body: "a\0b" }, { form: "get" })).status, 200);
    assert.match(await text("+15551110051"), /^a.?b$/su);
    assert.equal((await gateway.api("/v1/tickets?channel=a%00b")).status, 422);
    assert.equal((await gateway.wire("GET /v1/tickets%00 HTTP/1.1\r\nHost: x\r\n\r\n")).text.slice(0, 12), "HTTP/1.1 400");
});

test("two signatures, one right and one wrong, are a wrong one", async () => {
    const before = await stored();
    const { status } = await gateway.twilio.receive({ from: "+15551110002", body: "two" }, { signature: "duplicated" });
    assert.equal(status, 403);
    assert.equal(await stored(), before);
});

test("refusals are counted", async () => {
    const sum = async () => [...(await gateway.metrics())].filter(([name]) => /refused/.test(name)).reduce((total, [, value]) => total + value, 0);
    const before = await sum();
    await gateway.twilio.receive({ from: "+15551110003", body: "x" }, { signature: "wrong" });
    assert.ok((await sum()) > before);
});

test("a body over the limit is refused, with its length told or not, and one just under it is taken", async () => {
    const before = await stored();
    const big = await gateway.twilio.receive({ from: "+15551110004", body: "x".repeat(17_000) });
    assert.equal(big.status, 413);
    assert.equal(big.attempts, 1);
    const chunks = `POST /hooks/acme/support-sms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4400\r\n${"x".repeat(0x4400)}\r\n0\r\n\r\n`;
    assert.match((await gateway.wire(chunks)).text, /^HTTP\/1\.1 413 /);
    const lying = "POST /hooks/acme/support-sms HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nx";
    assert.match((await gateway.wire(lying)).text, /^HTTP\/1\.1 413 /);
    assert.equal(await stored(), before);
    const fits = (extra: number) => ({ from: "+15551110004", body: "x".repeat(16 * 1024 - formEncode(gateway.twilio.params({ from: "+15551110004", body: "" }, newSid())).length + extra) });
    assert.equal((await gateway.twilio.receive(fits(0))).status, 200);
    assert.equal((await gateway.twilio.receive(fits(1))).status, 413);
    const api = await gateway.api("/v1/tickets/01900000-0000-7000-8000-000000000000", { method: "PATCH", body: { status: "x".repeat(17_000) }, headers: { "if-match": '"v1"' } });
    assert.equal(api.status, 413);
});

/** The answer says why, and that nothing follows. */
const isProblem = (text: string) => /\r\nContent-Type: application\/problem\+json\r\n/.test(text) && /\r\nConnection: close\r\n/.test(text);

test("a request that could be read in two ways is refused and the connection closed", async () => {
    const params = gateway.twilio.params({ from: "+15551110005", body: "smuggled" }, newSid());
    const body = formEncode(params);
    const signature = twilioSignature(authToken, `${publicUrl}/hooks/acme/support-sms`, params);
    const head = (...lines: string[]) =>
        [
            "POST /hooks/acme/support-sms HTTP/1.1",
            ...(lines.some((line) => /^host/i.test(line)) ? [] : ["Host: gw.example.com"]),
            "Content-Type: application/x-www-form-urlencoded",
            `X-Twilio-Signature: ${signature}`,
            ...lines,
            "",
            "",
        ].join("\r\n");
    const length = `Content-Length: ${body.length}`;
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const second = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const refused: [string, string, number?][] = [
        ["Content-Length and chunked", head(length, "Transfer-Encoding: chunked") + chunked],
        ["chunked and Content-Length", head("Transfer-Encoding: chunked", length) + chunked],
        ["two different lengths", head(length, `Content-Length: ${body.length + second.length}`) + body],
        ["two equal lengths", head(length, length) + body],
        ["a list of lengths", head(`Content-Length: ${body.length}, ${body.length}`) + body],
        ["a signed length", head(`Content-Length: +${body.length}`) + body],
        ["a negative length", head("Content-Length: -1") + body],
        ["a length in hexadecimal", head(`Content-Length: 0x${body.length.toString(16)}`) + body],
        ["a space before the colon", head("Transfer-Encoding : chunked") + chunked],
        ["a space before the colon, and a length", head(length, "Transfer-Encoding : chunked") + body],
        ["a coding that is not known", head("Transfer-Encoding: gzip, chunked") + chunked, 501],
        ["chunked twice", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunked],
        ["two hosts", head(length, "Host: a.example", "Host: b.example") + body],
        ["a NUL in a header", head(length, "X-A: a\0b") + body],
        ["a NUL in the path", "GET /hooks/acme/support-sms%00 HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["a raw NUL in the path", "GET /hooks/acme/support-sms\0x HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["no host", `POST /hooks/acme/support-sms HTTP/1.1\r\n${length}\r\nX-Twilio-Signature: ${signature}\r\n\r\n${body}`],
    ];
    const before = await stored();
    const faults: string[] = [];
    for (const [what, bytes, expected = 400] of refused) {
        const { text, closed } = await gateway.wire(bytes + second);
        const answers = text.match(/^HTTP\/1\.[01] \d{3} /gm) ?? [];
        if (answers.length !== 1 || answers[0] !== `HTTP/1.1 ${expected} ` || !isProblem(text) || !closed)
            faults.push(`${what}: ${answers.join("| ") || "no answer"}${closed ? "" : ", left open"}`);
    }
    assert.deepEqual(faults, []);
    assert.equal(await stored(), before);
    // The same request, said plainly, is taken: so it was its form that was refused.
    assert.match((await gateway.wire(head(length, "Connection: close") + body)).text, /^HTTP\/1\.1 200 /);
    const again = gateway.twilio.params({ from: "+15551110005", body: "in chunks" }, newSid());
    const asChunks = formEncode(again);
    const plain = [
        "POST /hooks/acme/support-sms HTTP/1.1", "Host: x", "Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked",
        `X-Twilio-Signature: ${twilioSignature(authToken, `${publicUrl}/hooks/acme/support-sms`, again)}`, "Connection: close", "", "",
    ].join("\r\n");
    assert.match((await gateway.wire(`${plain}${asChunks.length.toString(16)}\r\n${asChunks}\r\n0\r\n\r\n`)).text, /^HTTP\/1\.1 200 /);
});

test("headers without end are refused, an unknown method is not a fault, and slow senders are told so", async () => {
    const wire = async (bytes: string) => {
        const { text, closed } = await gateway.wire(bytes);
        assert.ok(closed && isProblem(text), text);
        return text.slice(0, 12);
    };
    assert.equal(await wire(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Big: ${"x".repeat(50_000)}`), "HTTP/1.1 431");
    assert.equal(await wire("BREW /v1/tickets HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 405");
    // request_time is 1 s here; wire waits 3 s for the close.
    for (const beginning of ["GET /li", "GET /livez HTTP/1.1\r\nHost: x\r\nX-A:", "POST /hooks/acme/support-sms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nBo"]) {
        assert.equal(await wire(beginning), "HTTP/1.1 408", beginning);
    }
    assert.deepEqual(await gateway.wire(""), { text: "", closed: true });
    assert.equal((await request(`${gateway.url}/livez`)).status, 200);
});

test("one event stream more than the limit says is refused at once, and those that run go on", async () => {
    const after = (await gateway.tickets("?limit=1")).at;
    const streams = [gateway.sse({ after }), gateway.sse({ after })];
    for (const stream of streams) assert.equal((await stream.opened).statusCode, 200);
    const third = await gateway.api("/v1/events", { headers: { accept: "text/event-stream" } });
    assert.equal(third.status, 503);
    assert.equal(third.headers["content-type"], "application/problem+json");
    await gateway.twilio.receive({ from: "+15551110010", body: "to both" });
    for (const stream of streams) assert.equal((await stream.take(1)).length, 1);
    for (const stream of streams) stream.close();
});

test("a method that no provider uses is told so", async () => {
    const answer = await request(`${gateway.url}/hooks/acme/support-sms`, { method: "PUT", body: "x" });
    assert.equal(answer.status, 405);
    assert.match(String(answer.headers["allow"]), /POST/);
});

test("what is authentic but not understood is acknowledged, kept, told of, and can be tried again", async () => {
    const at = (await gateway.tickets("?limit=1")).at;
    const answer = await gateway.twilio.raw([["AccountSid", "AC00000000000000000000000000000001"], ["Surprise", "Body=customer words"]]);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, '<?xml version="1.0" encoding="UTF-8"?><Response/>');
    const [event] = await gateway.events(at);
    assert.equal(event?.type, "input.quarantined");
    const { data } = await gateway.get("/v1/quarantine");
    assert.equal(data[0].status, "waiting");
    assert.equal(data[0].id, event?.data.quarantine?.id);
    assert.deepEqual(data[0].channel, { slug: "support-sms", adapter: "twilio" });
    assert.ok(!data[0].reason.includes("customer words"));
    const again = await gateway.api(`/v1/quarantine/${data[0].id}/reprocess`, { method: "POST" });
    assert.equal(again.status, 409, again.body.toString());
    assert.equal(again.json.detail, data[0].reason);
    assert.equal((await gateway.get("/v1/quarantine")).data[0].status, "waiting", "nobody understands it yet");
    assert.match(await gateway.must(["quarantine"]), new RegExp(data[0].id));
});

test("a JSON body with a right hash is authentic: it is kept, not refused", async () => {
    const before = (await gateway.get("/v1/quarantine?limit=200")).data.length;
    assert.equal((await gateway.twilio.receive({ from: "+15551110007", body: "json" }, { form: "json" })).status, 200);
    assert.equal((await gateway.get("/v1/quarantine?limit=200")).data.length, before + 1);
});

test("a quarantined message is a message once the configuration understands it", async () => {
    const stranger = gateway.sandbox({ accountSid: "AC00000000000000000000000000000099" });
    const { status, sid } = await stranger.receive({ from: "+15551110006", body: "from the other subaccount" });
    assert.equal(status, 200);
    assert.equal(await gateway.count(`message where external_id = '${sid}'`), 0);
    const entry = (await gateway.get("/v1/quarantine")).data[0];
    const old = fs.readFileSync(gateway.configFile, "utf8");
    fs.writeFileSync(gateway.configFile, old.replace("AC00000000000000000000000000000001", "AC00000000000000000000000000000099"));
    const reloads = () => gateway.logText().split("config.reloaded").length;
    let n = reloads();
    gateway.signal("SIGHUP");
    await until(async () => reloads() > n, "the new configuration");
    const again = await gateway.api(`/v1/quarantine/${entry.id}/reprocess`, { method: "POST" });
    assert.equal(again.status, 200, again.body.toString());
    assert.equal(again.json.status, "reprocessed");
    const ticket = await gateway.ticketOf("+15551110006");
    assert.equal(ticket.last_message?.text, "from the other subaccount");
    const twice = await gateway.api(`/v1/quarantine/${entry.id}/reprocess`, { method: "POST" });
    assert.ok([200, 409].includes(twice.status), twice.body.toString());
    assert.equal(await gateway.count(`message where external_id = '${sid}'`), 1, "reprocessed twice is still once");
    fs.writeFileSync(gateway.configFile, old);
    n = reloads();
    gateway.signal("SIGHUP");
    await until(async () => reloads() > n, "the old configuration");
});

test("a key with one letter changed, no key, and half a key are not let in", async () => {
    const key = gateway.key;
    const changed = key.slice(0, 10) + (key[10] === "a" ? "b" : "a") + key.slice(11);
    const answers = [];
    for (const wrong of [changed, "sb_", key.slice(0, -1), key + "0", "x", null]) answers.push(await gateway.api("/v1/tickets", { key: wrong }));
    answers.push(await gateway.api("/v1/tickets", { key: null, headers: { authorization: `Basic ${key}` } }));
    const revoked = await gateway.makeKey("acme");
    await gateway.sql(`update gateway.key set revoked_at = now() where last_four = '${revoked.slice(-4)}'`);
    answers.push(await gateway.api("/v1/tickets", { key: revoked }));
    for (const answer of answers) {
        assert.equal(answer.status, 401, answer.body.toString());
        assert.match(answer.json.detail, /Bearer/, "it says where a key is expected");
    }
    const bodies = answers.map((answer) => answer.body.toString().replace(/"request_id":"[^"]*"/, ""));
    assert.equal(new Set(bodies).size, 1, "what is wrong with a key is nobody's business");
});

test("a revoked key is out within five seconds", async () => {
    const key = await gateway.makeKey("acme");
    assert.equal((await gateway.api("/v1/tickets", { key })).status, 200);
    await gateway.sql(`update gateway.key set revoked_at = now() where last_four = '${key.slice(-4)}'`);
    await until(async () => (await gateway.api("/v1/tickets", { key })).status === 401, "the key to be refused", 5000);
});

test("keys are kept hashed", async () => {
    const rows = await gateway.sql("select k::text from gateway.key k");
    assert.ok(!rows.includes(gateway.key));
});

test("a key may do what its scopes say and no more", async () => {
    const reader = await gateway.makeKey("acme", "tickets:read");
    await gateway.twilio.receive({ from: "+15551110008", body: "scopes" });
    const ticket = await gateway.ticketOf("+15551110008");
    assert.equal((await gateway.api("/v1/tickets", { key: reader })).status, 200);
    const patch = { method: "PATCH", body: { status: "closed" }, headers: { "if-match": `"v${ticket.version}"` }, key: reader };
    assert.equal((await gateway.api(`/v1/tickets/${ticket.id}`, patch)).status, 403);
    assert.equal((await gateway.api("/v1/quarantine", { key: reader })).status, 403);
    assert.equal((await gateway.ticketOf("+15551110008")).status, "open");
    const sender = await gateway.makeKey("acme", "messages:send");
    for (const path of ["/v1/tickets", `/v1/tickets/${ticket.id}`, `/v1/tickets/${ticket.id}/messages`, "/v1/events", "/v1/channels", `/v1/contacts/${ticket.contact.id}`])
        assert.equal((await gateway.api(path, { key: sender })).status, 403, path);
    assert.equal((await gateway.command(["key", "create", "--account", "acme", "--name", "x", "--scopes", "tickets:steal"])).code, 1);
    assert.equal((await gateway.command(["key", "create", "--account", "nobody", "--name", "x"])).code, 1);
});

test("another account's things and things that are not there look alike", async () => {
    await gateway.twilio.receive({ from: "+15551110009", body: "mine", media: [{ url: "https://127.0.0.1:1/x", type: "image/png" }] });
    await gateway.twilio.raw([["AccountSid", "x"]]);
    const ticket = await gateway.ticketOf("+15551110009");
    const [message] = (await gateway.messages(ticket.id)).data;
    const [entry] = (await gateway.get("/v1/quarantine")).data;
    const optOut = (await gateway.api("/v1/opt-outs", { method: "POST", body: { address: "tel:+15551110010" } })).json;
    const nowhere = "01900000-0000-7000-8000-000000000000";
    const paths: ((id: string) => [string, string, unknown?])[] = [
        (id) => ["GET", `/v1/tickets/${id}`],
        (id) => ["PATCH", `/v1/tickets/${id}`, { status: "closed" }],
        (id) => ["GET", `/v1/tickets/${id}/messages`],
        (id) => ["GET", `/v1/messages/${id}`],
        (id) => ["GET", `/v1/contacts/${id}`],
        (id) => ["PATCH", `/v1/contacts/${id}`, { blocked: true }],
        (id) => ["DELETE", `/v1/opt-outs/${id}`],
        (id) => ["GET", `/v1/attachments/${id}`],
        (id) => ["POST", `/v1/quarantine/${id}/reprocess`],
    ];
    const ids = [ticket.id, ticket.id, ticket.id, message!.id, ticket.contact.id, ticket.contact.id, optOut.id, message!.attachments[0]!.id, entry.id];
    for (const [i, make] of paths.entries()) {
        const answers = [];
        for (const id of [ids[i]!, nowhere]) {
            const [method, path, body] = make(id);
            answers.push(await gateway.api(path, { method, body, key: gateway.otherKey, headers: { "if-match": '"v1"' } }));
        }
        assert.deepEqual(answers.map((answer) => answer.status), [404, 404], make("…").join(" "));
        const [theirs, none] = answers.map((answer) => answer.body.toString().replaceAll(/"(request_id|instance)":"[^"]*",?/g, ""));
        assert.equal(theirs, none);
        assert.deepEqual(withoutDate(answers[0]!.headers), withoutDate(answers[1]!.headers));
    }
    const theirs = await gateway.get("/v1/tickets", { key: gateway.otherKey });
    assert.deepEqual(theirs, { data: [], next: null, at: 0 });
    assert.deepEqual(await gateway.events(0, gateway.otherKey), []);
});
