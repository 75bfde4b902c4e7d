// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page: type as the customer, see it arrive, answer; make Twilio misbehave. The key stays with the sandbox.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as http from "node:http";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { customers } from "../../sandbox/people.js";
import { newSid } from "../../sandbox/twilio.js";
import { accountSid, authToken, EventStream, Gateway, newProvider, type Event } from "./harness.js";
import { program, startSandbox } from "./sandbox_page.js";

let gateway: Gateway;
let page = "";
let twilio = "";
let end: () => Promise<void>;
/** The provider of a channel that holds what may or may not have been sent. */
const careful = newProvider("careful-sms", "+15550001112");

before(async () => {
    gateway = await Gateway.start("sandbox", { providers: { "careful-sms": careful }, channels: { "careful-sms": { on_uncertain: "hold" } } });
    ({ url: page, twilio, end } = await startSandbox(gateway));
});
after(async () => {
    await end?.();
    await gateway?.stop();
});

const send = (body: unknown, headers: object = {}, path = "send") =>
    request(page + path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });

test("the page and all that it needs come from the sandbox itself", async () => {
    const html = await request(page);
    assert.equal(html.status, 200);
    assert.match(String(html.headers["content-security-policy"]), /default-src 'self'/);
    for (const [, path] of html.body.toString().matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
        const part = await request(new URL(path!, page).href);
        assert.equal(part.status, 200, path);
        for (const [, module] of part.body.toString().matchAll(/from "(\.[^"]+)"/g)) {
            assert.equal((await request(new URL(module!, new URL(path!, page)).href)).status, 200, module);
        }
    }
    assert.equal(customers.length, 5);
});

test("what a customer types is acknowledged, and comes back through the API's stream", async () => {
    const { at } = JSON.parse((await request(`${page}v1/tickets?limit=1`)).body.toString());
    const stream = new EventStream(`${page}v1/events?after=${at}`, { accept: "text/event-stream" });
    await stream.opened;
    const sid = newSid();
    const answer = await send({ customer: "ben", text: "Is my order on its way?", sid });
    const told = JSON.parse(answer.body.toString());
    assert.deepEqual([told.status, told.sid, told.attempts], [200, sid, 1]);
    assert.ok(told.ms > 0);
    const events = (await stream.take(3)).map((event) => JSON.parse(event.data) as Event);
    stream.close();
    const message = events.find((event) => event.type === "message.received")?.data.message;
    assert.equal(message?.external_id, sid);
    assert.equal(message?.text, "Is my order on its way?");
    assert.equal(message?.from, `tel:${customers[1].number}`);
});

/** What /live tells from now on; the first that fits. */
async function live(): Promise<{ until: (name: string, fits: (data: any) => boolean) => Promise<any>; close: () => void }> {
    const stream = new EventStream(`${page}live`, { accept: "text/event-stream" });
    await stream.opened;
    const until = async (name: string, fits: (data: any) => boolean) => {
        for (;;) {
            const [event] = await stream.take(1);
            const data = JSON.parse(event!.data);
            if (event!.event === name && fits(data)) return data;
        }
    };
    return { until, close: () => stream.close() };
}

/** As the gateway sends; the status. */
const answerBy = async (text: string) => {
    const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
    const body = new URLSearchParams({ To: customers[2].number, From: "+15550001111", Body: text }).toString();
    const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
    return (await request(`${twilio}/2010-04-01/Accounts/${accountSid}/Messages.json`, { method: "POST", body, headers, agent: new http.Agent() })).status;
};

test("what was acknowledged is counted, and the gateway says that it is stored", async () => {
    const { until, close } = await live();
    const before = await until("counts", () => true);
    const sid = newSid();
    assert.equal((await send({ customer: "ben", text: "Count me", sid })).status, 200);
    const bubble = await until("phone", (told) => told.sid === sid);
    assert.deepEqual([bubble.customer, bubble.incoming, bubble.body], ["ben", true, "Count me"]);
    await until("counts", ({ acknowledged, stored }) => acknowledged === before.acknowledged + 1 && stored === acknowledged);
    close();
});

test("what reaches Twilio is on the phone, with its fate", async () => {
    const { until, close } = await live();
    const before = await until("counts", () => true);
    assert.equal(await answerBy("On its way"), 201);
    const first = await until("phone", ({ body }) => body === "On its way");
    assert.deepEqual([first.customer, first.incoming], ["chiara", false]);
    await until("phone", ({ sid, status }) => sid === first.sid && status === "read");
    await until("counts", ({ received }) => received === before.received + 1);
    close();
});

test("the page's switches make Twilio misbehave, once or until it is well again", async () => {
    const { until, close } = await live();
    const change = async (wanted: object) => {
        assert.equal((await send(wanted, {}, "switch")).status, 200);
    };
    await change({ answers: "limit", once: true });
    await until("switches", ({ answers, once }) => answers === "limit" && once);
    assert.equal(await answerBy("no"), 429);
    await until("switches", ({ answers }) => answers === "well");
    assert.equal(await answerBy("yes"), 201);
    await change({ answers: "broken", once: false });
    assert.deepEqual([await answerBy("no"), await answerBy("no")], [500, 500]);
    await change({ answers: "dead" });
    await assert.rejects(answerBy("no"), /ECONNREFUSED/);
    await change({ answers: "well", receipts: "failed" });
    assert.equal(await answerBy("lost"), 201);
    await until("phone", ({ body, status, errorCode }) => body === "lost" && status === "undelivered" && errorCode === 30003);
    await change({ receipts: "well" });
    assert.equal((await send({ answers: "nonsense" }, {}, "switch")).status, 422);
    close();
});

test("an answer goes to the public API with the key added, and nothing else can be written", async () => {
    const { id } = await gateway.ticketOf(customers[1].number);
    const headers = { "idempotency-key": newSid() };
    const by = await send({ text: "" }, headers, `v1/tickets/${id}/messages`);
    const self = await gateway.api(`/v1/tickets/${id}/messages`, { method: "POST", body: { text: "" }, headers });
    assert.deepEqual([by.status, by.headers["content-type"]], [self.status, self.headers["content-type"]], "as if asked directly");
    assert.notEqual(by.status, 401);
    for (const path of ["v1/tickets", "v1/messages", "v1/attachments", `v1/tickets/${id}`, `v1/tickets/${id}/messages/../x`]) {
        assert.equal((await request(page, { target: `/${path}`, method: "POST", body: "{}", headers: { "content-type": "application/json" } })).status, 404, path);
    }
});

test("an uncertain message is settled by hand from the page", async () => {
    const { at } = await gateway.tickets("?limit=1");
    const stream = new EventStream(`${page}v1/events?after=${at}`, { accept: "text/event-stream" });
    await stream.opened;
    careful.fault({ kind: "close" }, { times: 1 });
    const first = { channel: "careful-sms", to: `tel:${customers[2].number}`, text: "perhaps" };
    const { id } = (await gateway.api("/v1/messages", { method: "POST", body: first })).json;
    const becomes = async (type: string) => {
        for (;;) {
            const [event] = await stream.take(1);
            const told = JSON.parse(event!.data) as Event;
            if (told.message_id === id && told.type === type) return told.data.message;
        }
    };
    assert.equal((await becomes("message.uncertain"))?.status, "uncertain");
    const settle = (as: string) => send({ as }, { "idempotency-key": newSid() }, `v1/messages/${id}/settle`);
    assert.equal((await settle("perhaps")).status, 422);
    assert.equal((await settle("sent")).status, 200);
    assert.equal((await becomes("message.sent"))?.status, "sent");
    assert.equal((await settle("failed")).status, 409, "the API's own answer");
    stream.close();
});

test("the key never reaches the page, and the page can only read", async () => {
    for (const path of ["", "state", "page/app.js", "v1/tickets", "v1/channels"]) {
        const answer = await request(page + path);
        assert.ok(!(answer.body.toString() + JSON.stringify(answer.headers)).includes(gateway.key), path);
    }
    assert.equal((await request(`${page}v1/tickets/x`, { method: "PATCH", body: "{}" })).status, 404);
    assert.equal((await request(`${page}v1/quarantine`)).status, 404);
    assert.equal((await request(`${page}v1/tickets/`, { target: "/v1/tickets/../quarantine" })).status, 404);
});

test("other sites and other names for loopback are not let in", async () => {
    const sms = { customer: "ana", text: "x", sid: newSid() };
    assert.equal((await send(sms, { host: "evil.example" })).status, 403);
    assert.equal((await send(sms, { "sec-fetch-site": "cross-site" })).status, 403);
    assert.equal((await send(sms, { "content-type": "text/plain" })).status, 415);
    assert.equal((await send({ customer: "nobody", text: "x", sid: newSid() })).status, 422);
    assert.equal((await send({ customer: "ana", text: "x".repeat(1601), sid: newSid() })).status, 422);
    assert.equal((await send({ customer: "ana", text: "x".repeat(100_000), sid: newSid() })).status, 413);
    assert.equal(await gateway.count(`message where from_uri = 'tel:${customers[0].number}'`), 0);
});

test("without a key the sandbox says what it misses", async () => {
    const { code, stderr } = await new Promise<{ code: number | string | null | undefined; stderr: string }>((resolve) =>
        execFile(process.execPath, [program], { env: { PATH: process.env["PATH"] } }, (error, _, text) => resolve({ code: error?.code, stderr: text })),
    );
    assert.equal(code, 2);
    assert.match(stderr, /SB_KEY/);
});
