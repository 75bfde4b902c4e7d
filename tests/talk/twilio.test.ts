// SPDX-License-Identifier: Apache-2.0
//
// The sandbox as Twilio's REST API; a raw client and a bare server play the gateway. What the conversations rely on is proven here first.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import * as http from "node:http";
import * as net from "node:net";
import { after, afterEach, before, test } from "node:test";
import type { AddressInfo } from "node:net";
import { request, type Answer, type Request } from "../../sandbox/http.js";
import { Kept } from "../../sandbox/kept.js";
import { segments } from "../../sandbox/twilio_account.js";
import { TwilioApi } from "../../sandbox/twilio_api.js";

const accountSid = "AC00000000000000000000000000000001";
const authToken = "0123456789abcdef0123456789abcdef";
const number = "+15550001111";
const ana = "+15551230001";
const publicUrl = "https://gw.example.com";
const hook = "/hooks/acme/support-sms";
const callback = `${publicUrl}${hook}?message=0191`;

interface Webhook {
    url: string;
    signature: string | undefined;
    form: [string, string][];
    status: string | null;
}

/** What the gateway was told. */
let webhooks: Kept<Webhook>;
/** What it answers. */
let answerWith = 200;
const gateway = http.createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
        if (incoming.url?.startsWith("/media/")) {
            const found = incoming.url === "/media/good" && incoming.headers.authorization === undefined;
            response.writeHead(found ? 200 : 404, { "content-type": "image/png" }).end("PNG");
            return;
        }
        const form = [...new URLSearchParams(Buffer.concat(chunks).toString())];
        response.writeHead(answerWith, { "content-type": "text/xml" }).end("<Response/>");
        webhooks.push({
            url: publicUrl + incoming.url,
            signature: incoming.headers["x-twilio-signature"] as string | undefined,
            form,
            status: new Map(form).get("MessageStatus") ?? null,
        });
    });
});
let api: TwilioApi;
const agent = new http.Agent({ keepAlive: true });

before(() => new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve)));
after(() => {
    agent.destroy();
    gateway.close();
    gateway.closeAllConnections();
});
/** A new Twilio for each test. */
async function fresh(options: { advancedOptOut?: boolean } = {}): Promise<void> {
    webhooks = new Kept("webhooks");
    answerWith = 200;
    api = new TwilioApi({ accountSid, authToken, number, publicUrl, hook, ...options });
    api.gateway = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    await api.start();
}
afterEach(() => api?.stop());

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const authorization = basic(accountSid, authToken);
const path = `/2010-04-01/Accounts/${accountSid}`;

function send(fields: [string, string][] | Record<string, string> = {}, options: Request = {}): Promise<Answer> {
    const form = Array.isArray(fields) ? fields : Object.entries({ To: ana, From: number, Body: "Hello", StatusCallback: callback, ...fields });
    return request(`${api.url}${path}/Messages.json`, {
        method: "POST",
        body: new URLSearchParams(form.filter(([, value]) => value !== "")).toString(),
        agent,
        ...options,
        headers: { authorization, "content-type": "application/x-www-form-urlencoded", ...options.headers },
    });
}
const get = (target: string, headers: http.OutgoingHttpHeaders = { authorization }) => request(api.url + target, { headers, agent });
const json = (answer: Answer): any => JSON.parse(answer.body.toString());
const codeOf = async (sent: Promise<Answer>) => {
    const answer = await sent;
    return [answer.status, json(answer).code];
};
/** The documented algorithm, written a second time. */
function sign({ url, form }: Webhook): string {
    const sorted = [...form].sort(([a], [b]) => (a < b ? -1 : 1));
    return createHmac("sha1", authToken).update(url + sorted.map(([name, value]) => name + value).join("")).digest("base64");
}
const statuses = () => webhooks.all.map(({ status }) => status);

test("an accepted message is answered as Twilio does, and kept in order", async () => {
    await fresh();
    const answer = await send({ Body: "one" });
    assert.equal(answer.status, 201);
    const { sid, status, num_segments, error_code, body, from, to, direction } = json(answer);
    assert.match(sid, /^SM[0-9a-f]{32}$/);
    assert.deepEqual([status, num_segments, error_code, body, from, to, direction], ["queued", "1", null, "one", number, ana, "outbound-api"]);
    await send({ Body: "two" });
    assert.deepEqual((await api.sent(2)).map((message) => message.body), ["one", "two"]);
    assert.equal((await api.next(({ body }) => body === "two")).to, ana);
    assert.deepEqual(json(await get(`${path}/Messages/${sid}.json`)).sid, sid);
});

test("what is awaited may come later", async () => {
    await fresh();
    const [both, second] = [api.sent(2), api.next(({ body }) => body === "two")];
    await send({ Body: "one" });
    await send({ Body: "two" });
    assert.equal((await both).length, 2);
    assert.equal((await second).body, "two");
    await assert.rejects(api.sent(3, 1), /waited in vain for 3 messages: there are 2/);
});

test("nobody without the account's credentials is heard", async () => {
    await fresh();
    for (const wrong of [basic(accountSid, "x"), basic("AC9", authToken), "Bearer x", ""]) {
        const answer = await send({}, { headers: { authorization: wrong } });
        assert.equal(answer.status, 401);
        assert.deepEqual(json(answer), { code: 20003, message: "Authenticate", more_info: "https://www.twilio.com/docs/errors/20003", status: 401 });
    }
    assert.deepEqual(await codeOf(get("/2010-04-01/Accounts/AC00000000000000000000000000000009.json")), [401, 20003]);
    assert.equal(api.accepted.all.length, 0);
});

test("what Twilio would not take is refused with its code", async () => {
    await fresh();
    const cases: [Record<string, string>, number][] = [
        [{ To: "" }, 21604], [{ To: "12" }, 21211], [{ From: "" }, 21603], [{ From: "+15559999999" }, 21606], [{ Body: "" }, 21602],
        [{ Body: "x".repeat(1601) }, 21617], [{ StatusCallback: "nowhere" }, 21609], [{ MediaUrl: "file:///etc/passwd" }, 21620],
    ];
    for (const [fields, code] of cases) assert.deepEqual(await codeOf(send(fields)), [400, code], JSON.stringify(fields));
    assert.deepEqual(await codeOf(get(`${path}/Nothing.json`)), [404, 20404]);
    assert.equal(api.accepted.all.length, 0);
});

test("a messaging service chooses the number", async () => {
    await fresh();
    api.account.services.set("MG1", [number]);
    const answer = json(await send({ From: "", MessagingServiceSid: "MG1" }));
    assert.deepEqual([answer.status, answer.from, answer.messaging_service_sid], ["accepted", null, "MG1"]);
    const [one] = await webhooks.count(1);
    assert.equal(new Map(one!.form).get("MessagingServiceSid"), "MG1");
    assert.equal(new Map(one!.form).get("From"), number);
});

test("receipts are signed over the public URL, and the first state has none", async () => {
    await fresh();
    const { sid } = json(await send());
    await webhooks.count(2);
    await api.receipts.idle();
    assert.deepEqual(statuses(), ["sent", "delivered"]);
    for (const one of webhooks.all) {
        assert.equal(one.url, callback);
        assert.equal(one.signature, sign(one));
        assert.equal(new Map(one.form).get("MessageSid"), sid);
    }
    assert.equal(api.accepted.all[0]!.status, "delivered");
    assert.deepEqual(api.phone.all.map(({ body }) => body), ["Hello"]);
});

test("receipts come in any order, twice, held, early, lost, or with bad news", async () => {
    await fresh();
    const all = ["sent", "delivered", "read"] as const;
    const told = async (habit: Parameters<TwilioApi["habit"]>[0]) => {
        webhooks = new Kept("webhooks");
        api.habit(habit, { times: 1 });
        await send();
        await api.receipts.idle();
        return statuses();
    };
    assert.deepEqual(await told({ statuses: all, order: "reversed" }), ["read", "delivered", "sent"]);
    assert.equal(api.accepted.all[0]!.status, "read", "the truth is the furthest");
    const shuffled = await told({ statuses: all, order: "shuffled" });
    assert.notDeepEqual(shuffled, all);
    assert.deepEqual([...shuffled].sort(), [...all].sort());
    assert.deepEqual(await told({ twice: true }), ["sent", "sent", "delivered", "delivered"]);
    assert.deepEqual(await told({ ms: 1 }), ["sent", "delivered"]);
    assert.deepEqual(await told({ statuses: [] }), []);
    assert.deepEqual(await told({ lost: true }), []);
    assert.equal(api.accepted.all.at(-1)!.status, "delivered");
    const before = api.phone.all.length;
    assert.deepEqual(await told({ code: 30003 }), ["sent", "undelivered"]);
    assert.equal(new Map(webhooks.all[1]!.form).get("ErrorCode"), "30003");
    assert.equal(api.phone.all.length, before, "it is on no phone");

    webhooks = new Kept("webhooks");
    api.habit({ early: true }, { times: 1 });
    assert.equal((await send()).status, 201);
    assert.deepEqual(statuses(), ["sent", "delivered"], "before the answer");

    webhooks = new Kept("webhooks");
    const off = api.habit({ held: true });
    await send();
    off();
    await send();
    await webhooks.count(2);
    assert.equal(webhooks.all.length, 2, "only the second has told");
    api.receipts.release();
    await api.receipts.idle();
    assert.equal(webhooks.all.length, 4);
});

test("a receipt that is refused is tried once more, and can be repeated by hand", async () => {
    await fresh();
    answerWith = 503;
    await send();
    await api.receipts.idle();
    assert.deepEqual(statuses(), ["sent", "sent", "delivered", "delivered"]);
    answerWith = 200;
    await api.receipts.repeat();
    await api.receipts.repeat();
    assert.deepEqual(statuses().slice(4), ["sent", "delivered"]);
    assert.ok(api.receipts.told.all.every(({ delivery }) => delivery.status === 200));
});

test("no other URL than the gateway's is ever called", async () => {
    await fresh();
    await send({ StatusCallback: "https://gw.example.com.evil.example/x" });
    await api.receipts.idle();
    assert.deepEqual(api.receipts.told.all.map(({ delivery }) => delivery.status), [0, 0]);
    await send({ StatusCallback: "" });
    await api.receipts.idle();
    assert.equal(api.receipts.told.all.length, 2, "nobody asked");
});

test("too many requests: Retry-After is said as it was switched, as often, and only to whom", async () => {
    await fresh();
    api.fault({ kind: "limit", retryAfter: "3" }, { times: 2 });
    api.fault({ kind: "limit", retryAfter: "soon" }, { to: "+15551230002" });
    assert.equal((await send({ To: "+15551230002" })).headers["retry-after"], "soon", "what is for one number goes first");
    for (const retryAfter of ["3", "3"]) {
        const answer = await send();
        assert.deepEqual([answer.status, json(answer).code, answer.headers["retry-after"]], [429, 20429, retryAfter]);
    }
    assert.equal((await send()).status, 201);
    assert.equal((await send({ To: "+15551230003" })).status, 201);
    await api.well();
    assert.equal((await send({ To: "+15551230002" })).status, 201);
    assert.equal(api.accepted.all.length, 3);
    assert.equal(api.requests.all.length, 6);
});

test("answers go wrong with and without the message taken", async () => {
    await fresh();
    let taken = 0;
    const spoiled = async (fault: Parameters<TwilioApi["fault"]>[0]) => {
        taken = api.accepted.all.length;
        api.fault(fault, { times: 1 });
        const answer = await send();
        taken = api.accepted.all.length - taken;
        return answer;
    };
    assert.equal((await spoiled({ kind: "broken" })).status, 500);
    assert.equal(taken, 0);
    assert.equal((await spoiled({ kind: "broken", accepts: true })).status, 500);
    assert.equal(taken, 1);
    const html = await spoiled({ kind: "html" });
    assert.deepEqual([html.status, html.headers["content-type"], taken], [200, "text/html", 0]);
    const half = await spoiled({ kind: "half" });
    assert.equal(half.status, 201);
    assert.throws(() => json(half));
    assert.equal(taken, 1);
    const inside = await spoiled({ kind: "inside", code: 30001 });
    assert.deepEqual([inside.status, json(inside).code, taken], [200, 30001, 0]);
    for (const [code, status] of [[21610, 400], [21211, 400], [20003, 401], [21611, 429]] as const) {
        assert.deepEqual(await codeOf(spoiled({ kind: "error", code })), [status, code]);
        assert.equal(taken, 0);
    }
    const late = await spoiled({ kind: "late", ms: 30 });
    assert.deepEqual([late.status, taken], [201, 1]);
    assert.ok(late.ms >= 25);
});

test("silence: the connection is held and nothing comes, whether the message was taken or not", async () => {
    await fresh();
    for (const accepts of [true, false]) {
        const before = api.accepted.all.length;
        api.fault({ kind: "silence", accepts }, { times: 1 });
        const socket = net.connect(Number(new URL(api.url).port), "127.0.0.1");
        const body = new URLSearchParams({ To: ana, From: number, Body: "x" }).toString();
        const type = "Content-Type: application/x-www-form-urlencoded\r\n";
        socket.write(`POST ${path}/Messages.json HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`);
        const asked = await api.requests.next();
        if (accepts) await api.sent(before + 1);
        socket.destroy();
        assert.equal(await asked.answered, false);
        assert.equal(socket.bytesRead, 0);
        assert.equal(api.accepted.all.length, before + Number(accepts));
    }
});

test("the connection may end without a byte", async () => {
    await fresh();
    api.fault({ kind: "close", accepts: true }, { times: 1 });
    await assert.rejects(send({}, { agent: new http.Agent() }), /socket hang up|ECONNRESET/);
    assert.equal(api.accepted.all.length, 1);
});

/** The first bytes of an answer that one would not want to the end. */
function firstBytes(n: number): Promise<{ length: string | undefined; bytes: number }> {
    return new Promise((resolve, reject) => {
        const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
        const call = http.request(`${api.url}${path}/Messages.json`, { method: "POST", headers }, (answer) => {
            let bytes = 0;
            answer.on("data", (chunk: Buffer) => {
                bytes += chunk.length;
                if (bytes < n) return;
                resolve({ length: answer.headers["content-length"], bytes });
                call.destroy();
            });
            answer.on("error", () => undefined);
        });
        call.on("error", reject);
        call.end(new URLSearchParams({ To: ana, From: number, Body: "x" }).toString());
    });
}

test("an answer of a gigabyte, and one of a byte a second", async () => {
    await fresh();
    api.fault({ kind: "huge" }, { times: 1 });
    const huge = await firstBytes(4 << 20);
    assert.equal(huge.length, "1000000000");
    assert.equal(await api.requests.all[0]!.answered, false);
    api.fault({ kind: "drip" }, { times: 1 });
    const drip = await firstBytes(1);
    assert.deepEqual([drip.length, drip.bytes], [undefined, 1]);
    assert.equal(await api.requests.all[1]!.answered, false);
});

test("dead, Twilio refuses connections, and comes back at the same place", async () => {
    await fresh();
    const url = api.url;
    await send();
    await api.die();
    await assert.rejects(send(), /ECONNREFUSED|ECONNRESET|hang up/);
    await assert.rejects(send(), /ECONNREFUSED/);
    await api.well();
    assert.equal(api.url, url);
    assert.equal((await send()).status, 201);
});

test("hanging, Twilio accepts connections and reads nothing, until it is well", async () => {
    await fresh();
    await send();
    const before = api.connections.all.length;
    api.hang();
    const waiting = send({ Body: "patience" }, { agent: new http.Agent() });
    await api.connections.count(before + 1);
    // Long enough for it to have been read: another server has answered twice meanwhile.
    for (let i = 0; i < 2; i++) assert.equal((await request(`${api.gateway}/media/good`)).status, 200);
    assert.equal(api.requests.all.length, 1);
    await api.well();
    assert.equal((await waiting).status, 201);
    assert.equal((await api.sent(2))[1]!.body, "patience");
});

test("who says STOP gets nothing more, until START; Twilio answers both by itself", async () => {
    await fresh({ advancedOptOut: true });
    assert.equal((await api.receive({ from: ana, body: " stop " })).status, 200);
    assert.match((await api.phone.next()).body, /unsubscribed/);
    const told = new Map(webhooks.all[0]!.form);
    assert.deepEqual([told.get("Body"), told.get("OptOutType")], [" stop ", "STOP"]);
    assert.equal(webhooks.all[0]!.signature, sign(webhooks.all[0]!));
    assert.deepEqual(await codeOf(send()), [400, 21610]);
    assert.equal((await send({ To: "+15551230002" })).status, 201);
    await api.receive({ from: ana, body: "STOP it please" });
    await api.receive({ from: ana, body: "STOP" });
    assert.equal(api.phone.all.filter(({ to }) => to === ana).length, 1, "said once");
    await api.receive({ from: ana, body: "start" });
    assert.match((await api.phone.next(({ to, direction }) => to === ana && direction === "outbound-reply")).body, /re-subscribed/);
    assert.equal((await send()).status, 201);
    await api.receive({ from: ana, body: "help" });
    assert.match((await api.phone.next(({ to, direction }) => to === ana && direction === "outbound-reply")).body, /Reply STOP/);
});

test("the account and its number can be read, and the webhook's URL set", async () => {
    await fresh();
    assert.equal(json(await get(`${path}.json`)).status, "active");
    api.account.status = "suspended";
    assert.equal(json(await get(`${path}.json`)).status, "suspended");
    const list = json(await get(`${path}/IncomingPhoneNumbers.json?PhoneNumber=${encodeURIComponent(number)}`)).incoming_phone_numbers;
    assert.deepEqual(list.map((one: any) => [one.phone_number, one.sms_url]), [[number, publicUrl + hook]]);
    assert.equal(json(await get(`${path}/IncomingPhoneNumbers.json?PhoneNumber=%2B15559999999`)).incoming_phone_numbers.length, 0);
    const one = `${path}/IncomingPhoneNumbers/${list[0].sid}.json`;
    const changed = await request(api.url + one, {
        method: "POST",
        headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ SmsUrl: `${publicUrl}/hooks/acme/other` }).toString(),
    });
    assert.equal(json(changed).sms_url, `${publicUrl}/hooks/acme/other`);
    assert.equal(json(await get(one)).sms_url, `${publicUrl}/hooks/acme/other`);
    await api.receive({ from: ana, body: "hi" });
    assert.equal(webhooks.all[0]!.url, `${publicUrl}/hooks/acme/other`, "and there it goes");
    api.fault({ kind: "broken" }, { of: "read", times: 1 });
    assert.equal((await get(one)).status, 500);
});

test("the list gives what came in, page by page, newest first, also what the webhook never told", async () => {
    await fresh();
    answerWith = 503;
    const told = await api.receive({ from: ana, body: "1" });
    assert.deepEqual([told.status, told.attempts], [503, 2]);
    for (const body of ["2", "3", "4", "5"]) api.keep({ from: ana, body });
    api.account.messages[0]!.at = new Date("2026-01-01T23:59:59Z");
    api.account.messages[1]!.at = new Date("2026-01-02T10:00:00Z");
    await send({ Body: "not this" });
    const bodies: string[] = [];
    const to = encodeURIComponent(number);
    for (let next = `${path}/Messages.json?To=${to}&DateSent%3E=2026-01-02&PageSize=2`; next; ) {
        const page = json(await get(next));
        for (const one of page.messages) {
            assert.deepEqual([one.direction, one.status, one.to], ["inbound", "received", number]);
            bodies.push(one.body);
        }
        next = page.next_page_uri;
        if (bodies.length === 2) api.keep({ from: ana, body: "6" }); // shifts no page
    }
    assert.deepEqual(bodies, ["5", "4", "3", "2"]);
    const between = json(await get(`${path}/Messages.json?DateSent%3C=2026-01-02T10%3A00%3A00Z`)).messages;
    assert.deepEqual(between.map((one: any) => one.body), ["2", "1"]);
    assert.equal(between[0].date_sent, "Fri, 02 Jan 2026 10:00:00 +0000");
});

test("a customer's file is at the CDN, behind a redirect and without credentials", async () => {
    await fresh();
    await api.receive({ from: ana, body: "", files: [{ type: "image/jpeg", bytes: Buffer.from("JPEG") }] });
    const told = new Map(webhooks.all[0]!.form);
    assert.deepEqual([told.get("NumMedia"), told.get("MediaContentType0")], ["1", "image/jpeg"]);
    const url = new URL(told.get("MediaUrl0")!);
    assert.equal(url.origin, api.url);
    assert.equal((await get(url.pathname, {})).status, 401);
    const redirect = await get(url.pathname);
    assert.equal(redirect.status, 307);
    const location = new URL(redirect.headers.location!);
    assert.notEqual(location.host, url.host);
    assert.notEqual(location.hostname, url.hostname);
    const file = await request(location.href);
    assert.deepEqual([file.status, file.headers["content-type"], file.body.toString()], [200, "image/jpeg", "JPEG"]);
    assert.equal(api.cdnRequests.all[0]!.headers.authorization, undefined);
    await request(location.href, { headers: { authorization } });
    assert.equal(api.cdnRequests.all[1]!.headers.authorization, authorization, "whoever gives them away is seen");
    assert.equal((await request(`${location.origin}/nothing`)).status, 403);
    const { media_list } = json(await get(`${path}/Messages/${told.get("MessageSid")}/Media.json`));
    assert.deepEqual(media_list.map((one: any) => [one.sid, one.content_type]), [[url.pathname.split("/").at(-1), "image/jpeg"]]);
    const away = api.keep({ from: ana, body: "", files: [{ type: "image/png", bytes: Buffer.alloc(0), redirect: "http://169.254.169.254/latest" }] });
    assert.equal((await get(`${path}/Messages/${away.sid}/Media/${away.files[0]!.sid}`)).headers.location, "http://169.254.169.254/latest");
});

test("files that are sent are fetched from the gateway, and bad ones are bad news", async () => {
    await fresh();
    const base: [string, string][] = [["To", ana], ["From", number], ["StatusCallback", callback]];
    await send([...base, ["MediaUrl", `${publicUrl}/media/good`], ["MediaUrl", `${publicUrl}/media/good`]]);
    await api.receipts.idle();
    const good = await api.next();
    assert.match(good.sid, /^MM/);
    assert.deepEqual(good.fetched.map(({ status, type, bytes }) => [status, type, bytes.toString()]), Array(2).fill([200, "image/png", "PNG"]));
    assert.deepEqual(statuses(), ["sent", "delivered"]);
    await send([...base, ["MediaUrl", `${publicUrl}/media/expired`]]);
    await send([...base, ["MediaUrl", "https://elsewhere.example/x"]]);
    await api.receipts.idle();
    const bad = api.accepted.all.slice(1).map(({ status, errorCode, fetched }) => [status, errorCode, fetched[0]!.status]);
    assert.deepEqual(bad, [["failed", 11200, 404], ["failed", 11200, 0]]);
    assert.equal(api.phone.all.length, 1);
});

test("segments are counted as Twilio counts them", () => {
    const cases: [string, number][] = [
        ["", 1], ["x".repeat(160), 1], ["x".repeat(161), 2], ["x".repeat(307), 3], ["€".repeat(80), 1], ["€".repeat(81), 2],
        ["ж".repeat(70), 1], ["ж".repeat(71), 2], ["😀".repeat(35), 1], ["😀".repeat(36), 2],
    ];
    for (const [text, n] of cases) assert.equal(segments(text), n, `${text.length} of ${text.slice(0, 2)}`);
});
