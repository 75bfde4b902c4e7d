// SPDX-License-Identifier: Apache-2.0
//
// WhatsApp against those who mean harm, and against bad luck: what is signed and strange, forged references, hosts that would like to have the token,
// a token that has died, refusals that cross the customer's word, and a gateway that is killed in the middle of it all.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { fill, pick, place, press, react, tap, type Json } from "../../sandbox/graph.js";
import { Gateway, meta, newGraph, newPerson, until, type Message, type Ticket } from "./harness.js";

const graph = newGraph();
let gateway: Gateway;
/** Who calls them is none of Meta's, and has no business there. */
const strangers: http.Server[] = [];
const overheard: string[] = [];

before(async () => {
    graph.account.addTemplate({ name: "order_ready", language: "en_US", components: [{ type: "BODY", text: "Order {{1}} is ready." }] });
    gateway = await Gateway.start("whatsapp_attack", { graph, limits: { channel_lease: "1s" }, whatsapp: { wa: { uncertain_wait: "500ms", timeout: "5s" } } });
});
after(async () => {
    for (const stranger of strangers) stranger.close();
    await gateway?.stop();
});
beforeEach(() => graph.well());

async function met(): Promise<{ person: { wa_id: string; name: string }; ticket: Ticket }> {
    const person = newPerson();
    assert.equal((await graph.receive({ from: person, text: "Hello" })).status, 200);
    return { person, ticket: await gateway.ticketAt(`whatsapp:${person.wa_id}`) };
}

const post = (ticket: Ticket, body: object) => gateway.api(`/v1/tickets/${ticket.id}/messages`, { method: "POST", body });

async function upload(bytes: Buffer): Promise<string | undefined> {
    const answer = await gateway.api("/v1/attachments?name=a.jpg", { method: "POST", body: bytes, headers: { "content-type": "image/jpeg" } }).catch(() => undefined);
    return answer?.status === 201 ? answer.json.id : undefined;
}

/** Every place of a JSON value below its top. */
function placesOf(value: unknown, at: (string | number)[] = []): (string | number)[][] {
    const own = at.length ? [at] : [];
    if (typeof value !== "object" || value === null) return own;
    const names = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    return [...own, ...names.flatMap((name) => placesOf((value as any)[name], [...at, name]))];
}

/** A copy, with something else at a place; undefined: with nothing there. */
function changed(value: Json, at: (string | number)[], to: unknown): Json {
    const copy = structuredClone(value);
    const last = at.at(-1)!;
    const parent = at.slice(0, -1).reduce((inner: any, name) => inner[name], copy);
    if (to === undefined && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (to === undefined) delete parent[last];
    else parent[last] = to;
    return copy;
}

test("whatever is signed is answered with 200 and kept: each member missing, or something else", async () => {
    const says: Json[] = [
        { text: "Hello" }, tap("yes", "Yes", "wamid.O"), pick("r1", "Express"), press("STOP", "Stop"), fill({ age: 3 }), react("wamid.O", "👍"), place(1.5, 2.5, { name: "Café" }),
        { type: "image", image: { id: "7", caption: "c", mime_type: "image/jpeg", sha256: "x" } }, { type: "revoke", revoke: { original_message_id: "wamid.O" } },
        { type: "contacts", contacts: [{ name: { formatted_name: "B" }, phones: [{ phone: "+1" }] }] }, { type: "system", system: { type: "user_changed_number", wa_id: "15557009999" } },
    ];
    const speaker = graph.speaker();
    const from = { ...newPerson(), user_id: "US.7730091" };
    const whole = [
        ...says.map((said, i) => speaker.envelope([speaker.messages([{ from, id: `wamid.CHANGED${i}`, ...said }])])),
        speaker.envelope([speaker.statuses([{ id: "wamid.O", status: "failed", to: from, opaque: "x/0", code: 131026 }])]),
        speaker.envelope([{ field: "account_update", value: { event: "ACCOUNT_RESTRICTION", restriction_info: [{ restriction_type: "x" }] } }]),
    ];
    const others = [undefined, null, true, -1, 1e300, "", "x", [], {}, [[1]], "L".repeat(20_000)];
    const requests = whole.flatMap((body) => placesOf(body).flatMap((at) => others.map((to) => changed(body, at, to))));
    const before = await gateway.count("journal");
    let next = 0;
    const sender = async () => {
        while (next < requests.length) {
            const request = requests[next++]!;
            const { status, attempts } = await speaker.post(request);
            assert.deepEqual([status, attempts], [200, 1], JSON.stringify(request).slice(0, 1000));
        }
    };
    await Promise.all(Array.from({ length: 16 }, sender));
    assert.equal((await gateway.count("journal")) - before, requests.length);
    await gateway.all("/v1/tickets"); // and all of it can be shown
    await gateway.all("/v1/quarantine");
});

test("one request ten times at an instant is one; a new person's first words are, too", async () => {
    const people = Array.from({ length: 17 }, () => newPerson());
    const speaker = graph.speaker();
    const body = speaker.envelope([speaker.messages(Array.from({ length: 500 }, (_, i) => ({ from: people[i % 17]!, text: `at once ${i}`, id: `wamid.ONCE${i}` })))]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => speaker.post(body)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(await gateway.count("message where text like 'at once %'"), 500);
    for (const { wa_id } of people) await gateway.ticketAt(`whatsapp:${wa_id}`); // one each
});

test("a status with a forged reference moves nothing", async () => {
    const { person, ticket } = await met();
    graph.habit({ statuses: ["sent"] }, { to: person.wa_id });
    const id = await gateway.reply(ticket.id, "Hello");
    await gateway.reaches(id, "sent");
    const incoming = (await gateway.messages(ticket.id)).data[0]!.id;
    for (const opaque of [`${id}/99999`, `${id}/1`, `${id}/-1`, `${id}/0/0`, id, "/0", "no uuid/0", `${incoming}/0`, "x".repeat(2000)])
        assert.equal((await graph.speaker().status({ id: `wamid.FORGED${opaque.slice(-12)}`, status: "failed", to: person, opaque, code: 131026 })).status, 200);
    await until(async () => (await gateway.count("receipt where pending and looks = 0")) === 0, "all receipts to be looked at");
    assert.equal((await gateway.get(`/v1/messages/${id}`)).status, "sent");
});

test("what a status says is shown in measure", async () => {
    const { person, ticket } = await met();
    graph.habit({ held: true }, { to: person.wa_id });
    const id = await gateway.reply(ticket.id, "Hello");
    await gateway.reaches(id, "sent");
    const { sid } = graph.to(person.wa_id)[0]!;
    await graph.speaker().status({ id: sid, status: "failed", to: person, code: 131026, title: "E".repeat(500_000), pricing: { type: "P".repeat(500_000) } });
    const message = await gateway.reaches(id, "failed");
    assert.ok(JSON.stringify(message).length < 20_000);
});

test("native JSON is a message to the ticket's person, and nothing else", async () => {
    const { person, ticket } = await met();
    const signals = graph.signals.all.length;
    const { sid } = await graph.receive({ from: person, text: "unread" }).then(({ id }) => ({ sid: id }));
    const native = { type: "text", text: { body: "Hi" }, to: "+19995550000", recipient: "US.1", biz_opaque_callback_data: "x/0", status: "read", message_id: sid };
    const id = await gateway.say(ticket.id, { content: { kind: "text", text: "Hi", native: { whatsapp: native } } });
    await gateway.reaches(id, "delivered");
    assert.deepEqual(graph.to(person.wa_id).map(({ opaque }) => opaque), [`${id}/0`]);
    assert.equal(graph.signals.all.length, signals);
});

test("what was refused for the window does not shut out who wrote meanwhile, be it in the same second", async () => {
    const { person, ticket } = await met();
    graph.habit({ statuses: ["failed"], code: 131047, held: true }, { to: person.wa_id, times: 1 });
    const id = await gateway.reply(ticket.id, "too late");
    await gateway.reaches(id, "sent");
    await graph.receive({ from: person, text: "I am here" });
    graph.receipts.release();
    await gateway.reaches(id, "failed");
    assert.equal((await post(ticket, { text: "Good" })).status, 202);
});

/** Where one listens who is not Meta. */
async function stranger(host: string): Promise<string> {
    const server = http.createServer((request, response) => {
        overheard.push(`${request.url} ${request.headers.authorization}`);
        response.end("thanks");
    });
    strangers.push(server);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return `http://${host}:${(server.address() as AddressInfo).port}`;
}

test("neither a redirect nor an answer nor a list's next page takes the token to another host", async () => {
    const [near, far] = [await stranger("127.0.0.1"), await stranger("127.0.0.2")];
    const own = new URL(graph.url).host;
    const failed = async (image: Json) => {
        const person = newPerson();
        await graph.receive({ from: person, type: "image", image });
        const { id } = (await gateway.messages((await gateway.ticketAt(`whatsapp:${person.wa_id}`)).id)).data[0]!;
        await until(async () => (await gateway.get<Message>(`/v1/messages/${id}`)).attachments[0]!.status === "failed", "the file to be given up");
    };
    const redirects = [`${near}/x`, `${far}/x`, `http://${own}@${far.slice(7)}/x`, `http://a:b@${own}/x`, `${near}/.fbsbx.com`, "http://lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com:8443/x", "file:///etc/passwd"];
    for (const redirect of redirects) await failed(graph.file(Buffer.from("x"), "image/jpeg", { redirect }));
    const right = graph.account.mediaJson.bind(graph.account);
    for (const url of [`${near}/y`, `${far}/y`]) {
        graph.account.mediaJson = (media, path) => ({ ...right(media, path), url });
        await failed(graph.file(Buffer.from("x"), "image/jpeg"));
    }
    graph.account.mediaJson = right;
    const list = graph.account.templatesJson.bind(graph.account);
    const asked = () => graph.requests.all.filter(({ path, query }) => path.endsWith("/message_templates") && query.get("after") === "a&b=c").length;
    graph.account.templatesJson = (query, path) => ({ ...list(query, path), ...(query.get("after") ? {} : { paging: { next: `${near}/z`, cursors: { after: "a&b=c" } } }) });
    gateway.signal("SIGHUP");
    await until(async () => asked() > 0, "the next page to be asked for");
    graph.account.templatesJson = list;
    assert.deepEqual(overheard, []);
});

test("a token that has died takes the channel down and keeps the queue, which goes on in order with a new one", async () => {
    const { person, ticket } = await met();
    const token = "EAAG-a-new-one-0123";
    graph.options.accessToken = token;
    const ids = [await gateway.reply(ticket.id, "first"), await gateway.reply(ticket.id, "second")];
    const down = await until(async () => (await gateway.get("/v1/channels")).data.find(({ slug, health }: any) => slug === "wa" && health === "down"), "the channel to be down");
    assert.match(down.remedy, /token/);
    assert.equal((await gateway.get(`/v1/messages/${ids[0]}`)).status, "queued");
    fs.writeFileSync(gateway.configFile, fs.readFileSync(gateway.configFile, "utf8").replace("${WA_TOKEN}", token));
    gateway.signal("SIGHUP");
    for (const id of ids) await gateway.reaches(id, "delivered");
    assert.deepEqual(graph.to(person.wa_id).map(({ body }) => (body["text"] as Json)["body"]), ["first", "second"]);
    for (const secret of [meta.accessToken, meta.appSecret, token]) assert.ok(!gateway.logText().includes(secret), "no secret in the log");
});

test("killed again and again while files and templates leave: nothing vanishes, nothing overtakes, nothing is twice that was not in doubt", { timeout: 120_000 }, async () => {
    const lines = await Promise.all(Array.from({ length: 10 }, met));
    const files = [1, 2, 3].map((n) => Buffer.from(`\xff\xd8\xff file ${n} `.repeat(n * 1000), "latin1"));
    for (let i = 0; i < 4; i++) graph.fault(i % 2 ? { kind: "error", code: 131053 } : { kind: "broken" }, { of: "upload", times: 1 });
    const firsts = graph.accepted.all.length;
    const said: string[][] = lines.map(() => []);
    const speak = async ({ ticket }: { ticket: Ticket }, line: number) => {
        for (let n = 0; n < 9; n++) {
            const body: Json = n % 3 === 0 ? { content: { kind: "template", name: "order_ready", lang: "en_US", params: [String(n)] } } : { text: String(n) };
            if (n % 3 === 1) body["attachments"] = [await until(() => upload(files[(line + n) % 3]!), "an upload"), await until(() => upload(files[n % 3]!), "an upload")];
            const key = { "idempotency-key": `killed-${line}-${n}` };
            said[line]!.push(await until(async () => (await gateway.api(`/v1/tickets/${ticket.id}/messages`, { method: "POST", body, headers: key })).json.id, "an answer to be taken"));
        }
    };
    const speaking = Promise.all(lines.map(speak));
    for (let kill = 1; kill <= 4; kill++) {
        await until(async () => graph.accepted.all.length >= firsts + kill * 20, "messages at Meta");
        await gateway.kill9();
        await gateway.up();
    }
    await speaking;
    await until(async () => (await gateway.count("delivery")) === 0, "the last delivery");
    const doubtful = new Set((await gateway.sql("select message_id from gateway.attempt where outcome = 'uncertain' union select message_id from gateway.event where type = 'message.uncertain'")).split("\n"));
    for (const [line, { person }] of lines.entries()) {
        const left = graph.to(person.wa_id).map(({ opaque }) => opaque!);
        const order = said[line]!.flatMap((id, n) => (n % 3 === 1 ? [`${id}/0`, `${id}/1`] : [`${id}/0`]));
        assert.deepEqual([...new Set(left)], order, `line ${line}: all, and in order`);
        const again = left.filter((opaque, i) => left.indexOf(opaque) !== i);
        for (const opaque of again) assert.ok(doubtful.has(opaque.split("/")[0]!), `${opaque} left twice, and nobody was in doubt`);
    }
});
