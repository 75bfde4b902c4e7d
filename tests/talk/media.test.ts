// SPDX-License-Identifier: Apache-2.0
//
// Files of incoming messages: the message is there at once, its files follow, whatever their host does; and nobody but Twilio sees our credentials.

import assert from "node:assert/strict";
import type * as http from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { Door } from "../../sandbox/door.js";
import { Kept } from "../../sandbox/kept.js";
import { Gateway, newNumber, newProvider, until, type Event, type Message } from "./harness.js";

/** A host of files that answers when the test says so. */
class Host {
    /** Its requests that wait for an answer. */
    readonly waiting = new Kept<http.ServerResponse>("requests for files");
    readonly door = new Door((request, response) => {
        this.authorizations.push(request.headers.authorization);
        this.waiting.push(response);
    }, "127.0.0.3");
    readonly authorizations: (string | undefined)[] = [];
}

const api = newProvider();
const host = new Host();
let gateway: Gateway;
before(async () => {
    await host.door.open();
    gateway = await Gateway.start("media", { providers: { "support-sms": api }, channel: { timeout: "3s" } });
});
after(async () => {
    await gateway?.stop();
    await host.door.close();
});
beforeEach(() => api.well());

const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n\0", "latin1"), Buffer.alloc(100_000, "pixels")]);

/** A customer sends files; the message as it is right afterwards. */
async function send(...files: { type?: string; bytes?: Buffer; redirect?: string }[]): Promise<Message> {
    const from = newNumber();
    const whole = files.map((file) => ({ type: "image/png", bytes: png, ...file }));
    assert.equal((await api.receive({ from, body: "look", files: whole })).status, 200);
    const { data } = await gateway.messages((await gateway.ticketOf(from)).id);
    return data[0]!;
}

/** The message, once its files are as promised. */
async function reaches(id: string, statuses: string[], at = gateway): Promise<Message> {
    let message: Message | undefined;
    const now = () => message?.attachments.map(({ status }) => status).join();
    await until(async () => ((message = await at.get<Message>(`/v1/messages/${id}`)), now() === statuses.join()), `files to be ${statuses.join()}`, 60_000);
    return message!;
}

const updates = async (id: string): Promise<Event[]> => (await gateway.events()).filter((event) => event.message_id === id && event.type === "message.updated");
const attempts = (id: string): Promise<string> => gateway.sql(`select attempts from gateway.attachment where message_id = '${id}'`);

test("a message is seen before its file, which then is there to the byte", async () => {
    const { id, attachments } = await send({ redirect: `${host.door.url}/1` });
    assert.deepEqual(attachments.map(({ status, size, error }) => [status, size, error]), [["waiting", null, null]]);
    const path = `/v1/attachments/${attachments[0]!.id}`;
    const early = await gateway.api(path);
    assert.deepEqual([early.status, early.json.detail], [404, "the attachment has not been fetched"]);
    (await host.waiting.next()).end(png);
    const { attachments: now } = await reaches(id, ["stored"]);
    assert.deepEqual([now[0]!.mime, now[0]!.size, now[0]!.error], ["image/png", png.length, null]);
    const answer = await gateway.api(path);
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "image/png"]);
    assert.ok(answer.body.equals(png));
    assert.equal((await updates(id)).length, 1, "and the log tells of it");
    assert.equal((await gateway.api(path, { key: gateway.otherKey })).status, 404);
});

test("our credentials go to Twilio's API, and no further", async () => {
    const { id } = await send({}, { type: "image/jpeg", bytes: Buffer.from("jpeg") }, { redirect: `${host.door.url}/2` });
    (await host.waiting.next()).end(png);
    await reaches(id, ["stored", "stored", "stored"]);
    const asked = api.requests.all.filter(({ path }) => path.includes("/Media/"));
    assert.ok(asked.length >= 3 && asked.every(({ headers }) => headers.authorization !== undefined));
    assert.ok(api.cdnRequests.all.length >= 2 && api.cdnRequests.all.every(({ headers }) => headers.authorization === undefined));
    assert.ok(host.authorizations.every((one) => one === undefined));
});

test("a file that Twilio no longer has has failed, and the log tells of it", async () => {
    api.fault({ kind: "error", code: 20404 }, { of: "media", times: 1 });
    const { id, attachments } = await send({});
    const { attachments: now } = await reaches(id, ["failed"]);
    assert.equal(now[0]!.error, "gone");
    assert.equal((await updates(id)).length, 1);
    const answer = await gateway.api(`/v1/attachments/${attachments[0]!.id}`);
    assert.deepEqual([answer.status, answer.json.detail], [404, "the attachment could not be fetched"]);
    assert.match(await gateway.must(["trace", id]), /failed, gone/);
});

for (const of of ["media", "cdn"] as const)
    test(`who asks for patience gets it, and then hands the file out (${of})`, async () => {
        api.fault({ kind: "limit", retryAfter: "1" }, { of, times: 1 });
        const { id } = await send({});
        const { attachments } = await reaches(id, ["stored"]);
        assert.equal(attachments[0]!.error, null);
        assert.equal(await attempts(id), "2");
        assert.equal((await updates(id)).length, 1);
    });

for (const kind of ["broken", "close", "silence"] as const)
    test(`a host whose answer is ${kind} is asked again`, async () => {
        api.fault({ kind }, { of: "cdn", times: 1 });
        const { id } = await send({});
        await reaches(id, ["stored"]);
        assert.equal(await attempts(id), "2");
    });

test("a gigabyte is cut, and has failed", async () => {
    api.fault({ kind: "huge" }, { of: "cdn", times: 1 });
    const { id } = await send({});
    const { attachments } = await reaches(id, ["failed"]);
    assert.deepEqual([attachments[0]!.error, attachments[0]!.size], ["too_large", null]);
});

test("a channel fetches half of limits.fetches at once, so that others have room", async () => {
    const { id } = await send(...Array.from({ length: 10 }, (_, i) => ({ redirect: `${host.door.url}/many${i}` })));
    const first = await Promise.all([1, 2, 3, 4].map(() => host.waiting.next()));
    assert.equal(await gateway.sql(`select count(claim_id) from gateway.attachment where message_id = '${id}'`), "4");
    for (const response of first) response.end(png);
    for (let i = 4; i < 10; i++) (await host.waiting.next()).end(png);
    await reaches(id, Array.from({ length: 10 }, () => "stored"));
    const { attachments } = await gateway.get<Message>(`/v1/messages/${id}`);
    const bytes = await Promise.all(attachments.map(async (one) => (await gateway.api(`/v1/attachments/${one.id}`)).body));
    assert.ok(bytes.every((one) => one.equals(png)));
});

test("a byte a second holds up no other message's file", async () => {
    const { id: slow } = await send(...Array.from({ length: 3 }, (_, i) => ({ redirect: `${host.door.url}/slow${i}` })));
    const dripping = await Promise.all([1, 2, 3].map(() => host.waiting.next()));
    for (const response of dripping) {
        response.writeHead(200, { "content-type": "image/png" });
        const timer = setInterval(() => response.write("x"), 1000);
        response.on("close", () => clearInterval(timer));
    }
    const { id: quick } = await send({});
    await reaches(quick, ["stored"]);
    // Each ends by the channel's timeout and comes again: then its host is well.
    for (let i = 0; i < 3; i++) (await host.waiting.next(undefined, 60_000)).end(png);
    await reaches(slow, ["stored", "stored", "stored"]);
    assert.ok(dripping.every((response) => response.destroyed));
});

test("a gateway that dies in the middle fetches again, and stores once", async () => {
    const { id } = await send({ redirect: `${host.door.url}/kill` });
    const cut = await host.waiting.next();
    await gateway.kill9();
    cut.destroy();
    await gateway.up();
    (await host.waiting.next(undefined, 60_000)).end(png);
    const { attachments } = await reaches(id, ["stored"]);
    assert.ok((await gateway.api(`/v1/attachments/${attachments[0]!.id}`)).body.equals(png));
    assert.equal((await updates(id)).length, 1);
    assert.equal(await attempts(id), "2");
});

test("a gateway that stops gives back what it has begun", async () => {
    const { id } = await send({ redirect: `${host.door.url}/stop` });
    await host.waiting.next();
    await gateway.down();
    assert.equal(await gateway.sql(`select attempts, claim_id is null, run_at <= now() from gateway.attachment where message_id = '${id}'`), "0|t|t");
    await gateway.up();
    (await host.waiting.next()).end(png);
    await reaches(id, ["stored"]);
});

test("files of a message that was missed come, too", async () => {
    await gateway.down();
    const from = "+15557888888";
    const bytes = [Buffer.from("the first"), Buffer.from("the second")];
    api.keep({ from, body: "while you were away", files: bytes.map((one) => ({ type: "image/gif", bytes: one })) });
    await gateway.up();
    const reached = async () => (await gateway.count(`ticket where uri = 'tel:${from}'`)) === 1;
    await until(reached, "the message that was missed", 60_000);
    const { id } = (await gateway.messages((await gateway.ticketOf(from)).id)).data[0]!;
    const { attachments } = await reaches(id, ["stored", "stored"]);
    const got = await Promise.all(attachments.map(async (one) => (await gateway.api(`/v1/attachments/${one.id}`)).body.toString()));
    assert.deepEqual(got, bytes.map(String));
    assert.deepEqual(attachments.map(({ mime }) => mime), ["image/gif", "image/gif"]);
});

test("tries are counted by what became of them", async () => {
    const before = await gateway.metrics();
    const of = (outcome: string, from = before) => from.get(`gw_media_fetch_total{outcome="${outcome}"}`) ?? 0;
    api.fault({ kind: "limit", retryAfter: "1" }, { of: "cdn", times: 1 });
    await reaches((await send({})).id, ["stored"]);
    const now = await gateway.metrics();
    assert.deepEqual(["stored", "retry", "failed"].map((one) => of(one, now) - of(one)), [1, 1, 0]);
});

test("private addresses are not called unless the channel says so; what cannot be fetched is given up", async () => {
    const one = newProvider();
    const other = await Gateway.start("media_private", { providers: { "support-sms": one }, channel: { allow_private: false }, limits: { fetch_give_up: "2s" } });
    try {
        assert.equal((await one.receive({ from: "+15557999999", body: "look", files: [{ type: "image/png", bytes: png }] })).status, 200);
        const { data } = await other.messages((await other.ticketOf("+15557999999")).id);
        assert.equal(data.length, 1);
        const { attachments } = await reaches(data[0]!.id, ["failed"], other);
        assert.equal(attachments[0]!.error, "private_address");
        assert.equal(one.connections.all.length, 0);
    } finally {
        await other.stop();
    }
});
