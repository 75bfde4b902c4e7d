// SPDX-License-Identifier: Apache-2.0
//
// Whoever wants the sending half to lose, double, leak or give way: keys that may not, hands that take back what just leaves, providers that
// answer nonsense.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as net from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { request } from "../../sandbox/http.js";
import { newSid } from "../../sandbox/twilio.js";
import { TwilioApi } from "../../sandbox/twilio_api.js";
import { openapiText } from "./contract.js";
import { accountSid, authToken, Gateway, publicUrl, until, type ApiAnswer, type ApiOptions } from "./harness.js";

/** What stands where a provider should: probes are answered by the sandbox, messages as the test says, byte by byte. */
class Rude {
    /** By the first word of the message. */
    readonly answers = new Map<string, (authorization: string, body: string) => string | Buffer>();
    /** The first words of what came. */
    readonly came: string[] = [];
    readonly #server = net.createServer((socket) => this.#serve(socket));

    async open(): Promise<string> {
        await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
    }

    close(): void {
        this.#server.close();
    }

    #serve(socket: net.Socket): void {
        let bytes = "";
        socket.on("error", () => undefined);
        socket.on("data", (piece) => {
            bytes += piece.toString("latin1");
            const [head, body] = bytes.split("\r\n\r\n", 2);
            const length = Number(/^content-length: (\d+)/im.exec(head!)?.[1] ?? 0);
            if (body === undefined || body.length < length) return;
            bytes = "";
            void this.#answer(socket, head!, body);
        });
    }

    async #answer(socket: net.Socket, head: string, body: string): Promise<void> {
        const authorization = /^authorization: (.*)$/im.exec(head)?.[1] ?? "";
        const [method, target] = head.split(" ") as [string, string];
        if (method === "GET") {
            const right = await request(api.url + target, { headers: { authorization } });
            socket.write(json(right.status, right.body.toString()));
            return;
        }
        const text = new URLSearchParams(body).get("Body") ?? "", word = text.split(" ")[0]!;
        this.came.push(word);
        const rude = this.answers.get(word);
        if (rude) socket.end(rude(authorization, text));
        else socket.write(json(201, good()));
    }
}

const json = (status: number, body: string) =>
    `HTTP/1.1 ${status} Whatever\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const good = () => JSON.stringify({ sid: newSid("SM"), status: "queued", error_code: null });

let gateway: Gateway, api: TwilioApi, secondPort: net.Server;
const rude = new Rude();
/** Of loopback, as URLs can say it. */
const ownNames = ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "017700000001", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"];
let accepted = 0;
before(async () => {
    api = new TwilioApi({ accountSid, authToken, number: "+15550001111", publicUrl, hook: "/hooks/acme/support-sms" });
    api.account.addNumber("+15550006666", `${publicUrl}/hooks/acme/rude-sms`);
    const url = await api.start();
    secondPort = net.createServer((socket) => {
        accepted++;
        socket.destroy();
    });
    await new Promise<void>((resolve) => secondPort.listen(0, "::", resolve));
    const port = (secondPort.address() as net.AddressInfo).port;
    const own = ownNames.map((name, i) => [`own-${i}`, { from: `+1555000770${i}`, api_url: `http://${name}:${port}`, allow_private: false }]);
    gateway = await Gateway.start("attack", {
        limits: { channel_lease: "1s", calls_per_host: 100 },
        channel: { api_url: url, allow_private: true, uncertain_wait: "1s", timeout: "2s" },
        channels: {
            "rude-sms": { from: "+15550006666", api_url: await rude.open(), allow_private: true, on_uncertain: "hold" },
            "many-sms": { from: "+15550001111", api_url: url, allow_private: true, uncertain_wait: "1s", timeout: "60s", concurrency: 100 },
            "shy-sms": { from: "+15550001111", api_url: `${url}/shy`, allow_private: false },
            ...Object.fromEntries(own),
        },
    });
    api.gateway = gateway.url;
});
after(async () => {
    await gateway?.stop();
    await api?.stop();
    rude.close();
    secondPort?.close();
});
beforeEach(() => api.well());

const nobody = "01900000-0000-7000-8000-000000000000";
let customers = 0;
const newNumber = () => `+1555640${String(++customers).padStart(4, "0")}`;

const post = (path: string, body: unknown = {}, options: ApiOptions = {}): Promise<ApiAnswer> => gateway.api(path, { method: "POST", body, ...options });
async function sent(to: string, text: string, channel = "support-sms"): Promise<any> {
    const answer = await post("/v1/messages", { channel, to: `tel:${to}`, text });
    assert.equal(answer.status, 202, answer.body.toString());
    return answer.json;
}

async function reaches(id: string, ...statuses: string[]): Promise<any> {
    let message: any;
    await until(async () => {
        message = await gateway.get(`/v1/messages/${id}`);
        return statuses.includes(message.status);
    }, `message ${id} to be ${statuses.join(" or ")}`);
    return message;
}

/** Until it is sent. A provider that hangs up may do so on the kept connection that this one takes: then a hand sends it again. */
async function leaves(id: string): Promise<void> {
    while ((await reaches(id, "sent", "uncertain")).status === "uncertain")
        assert.equal((await post(`/v1/messages/${id}/settle`, { as: "retry" })).status, 200);
}

const bodies = (to: string) => api.accepted.all.filter((sms) => sms.to === to).map(({ body }) => body);

// ---- keys ----

interface Operation {
    method: string;
    path: string;
    scope: string | undefined;
}

/** What docs/openapi.json has, but what the ops listener serves. */
function described(): Operation[] {
    const { paths } = JSON.parse(openapiText) as { paths: Record<string, Record<string, { security?: { key?: string[] }[] }>> };
    const methods = ["get", "post", "put", "patch", "delete"];
    const operations = Object.entries(paths).flatMap(([path, all]) =>
        Object.entries(all)
            .filter(([method]) => methods.includes(method))
            .map(([method, { security }]) => ({ method: method.toUpperCase(), path, scope: security?.[0]?.key?.[0] })),
    );
    return operations.filter(({ path }) => !["/livez", "/readyz", "/metrics"].includes(path));
}

/** What the program routes. */
function routed(): Operation[] {
    const row = /^ *\{[A-Z_]+, "([A-Z]+)", "([^"]+)", (?:"([^"]+)"|NULL), /gm;
    return [...fs.readFileSync("gateway/flow/route.c", "utf8").matchAll(row)].map(([, method, path, scope]) => ({ method: method!, path: path!, scope }));
}

const bodyOf: Record<string, unknown> = {
    "PATCH /v1/tickets/{id}": { status: "pending" },
    "POST /v1/tickets/{id}/messages": { text: "mine?" },
    "POST /v1/tickets/{id}/signals": { type: "read" },
    "POST /v1/messages": { channel: "support-sms", to: "tel:+15556409999", text: "mine?" },
    "POST /v1/messages/{id}/cancel": {},
    "POST /v1/messages/{id}/settle": { as: "sent" },
    "PATCH /v1/contacts/{id}": { name: "mine?" },
    "POST /v1/opt-outs": { address: "tel:+15556409998" },
    "POST /v1/attachments": "mine?",
    "POST /v1/quarantine/{id}/reprocess": {},
};

/** One thing of acme of each kind, by where it is found. */
async function things(): Promise<Record<string, string>> {
    const from = newNumber();
    await api.receive({ from, body: "hello" });
    await gateway.twilio.raw([["AccountSid", "x"]]);
    const ticket = await gateway.ticketOf(from);
    const { json: optOut } = await post("/v1/opt-outs", { address: `tel:${newNumber()}` });
    const upload = await post("/v1/attachments", Buffer.from("a file"), { headers: { "content-type": "image/png" } });
    return {
        tickets: ticket.id,
        contacts: ticket.contact.id,
        messages: (await gateway.messages(ticket.id)).data[0]!.id,
        "opt-outs": optOut.id,
        attachments: upload.json.id,
        quarantine: (await gateway.get("/v1/quarantine")).data[0].id,
    };
}

function call({ method, path }: Operation, id: string, key: string): Promise<ApiAnswer> {
    const needsBody = method !== "GET" && method !== "DELETE";
    const body = bodyOf[`${method} ${path}`];
    assert.ok(!needsBody || body !== undefined, `${method} ${path} is new: say here what a good body of it is`);
    return gateway.api(path.replace("{id}", id).replace("{slug}", "support-sms"), { method, body, key, headers: { "if-match": "*" } });
}

test("every route asks for its scope: all others together do not open it, and it alone does", async () => {
    const sorted = (all: Operation[]) => all.map(({ method, path, scope }) => `${method} ${path} ${scope ?? "open"}`).sort();
    assert.deepEqual(sorted(routed()), sorted(described()), "docs/openapi.json says what the program asks for");
    const own = await things();
    const scopes = ["tickets:read", "tickets:write", "messages:send", "quarantine:manage", "webhooks:manage"];
    const keys = new Map<string, { only: string; others: string }>();
    for (const scope of new Set(described().flatMap((one) => one.scope ?? [])))
        keys.set(scope, {
            only: await gateway.makeKey("acme", scope),
            others: await gateway.makeKey("acme", scopes.filter((other) => other !== scope).join()),
        });
    for (const operation of described()) {
        if (!operation.scope) continue;
        const where = `${operation.method} ${operation.path}`;
        const id = own[operation.path.split("/")[2]!] ?? "";
        const refused = await call(operation, id, keys.get(operation.scope)!.others);
        assert.equal(refused.status, 403, where);
        assert.ok(refused.json.detail.includes(operation.scope), where);
        const taken = await call(operation, id, keys.get(operation.scope)!.only);
        assert.ok(![401, 403, 404].includes(taken.status), `${where}: ${taken.status} ${taken.body.toString()}`);
    }
});

test("on every route with an id, another account's things are as unknown as what never was, and stay as they are", async () => {
    const own = await things();
    const rows = () => gateway.sql("select string_agg(k::text, '|' order by contact_id) from gateway.contact k").then(async (contacts) => [
        contacts, await gateway.sql("select string_agg(t::text, '|' order by ticket_id) from gateway.ticket t"),
        await gateway.sql("select count(*) from gateway.message"), await gateway.sql("select string_agg(o::text, '|' order by opt_out_id) from gateway.opt_out o"),
    ]);
    const before = await rows();
    const told = ({ status, body, headers }: ApiAnswer) => {
        const { date, "x-request-id": id, ...rest } = headers;
        assert.ok(date && id);
        return [status, rest, body.toString().replace(/"request_id":"[^"]*"/, "")];
    };
    for (const operation of described().filter(({ path }) => path.includes("{id}"))) {
        const where = `${operation.method} ${operation.path}`;
        const theirs = await call(operation, own[operation.path.split("/")[2]!]!, gateway.otherKey);
        assert.equal(theirs.status, 404, `${where}: ${theirs.body.toString()}`);
        assert.deepEqual(told(theirs), told(await call(operation, nobody, gateway.otherKey)), where);
    }
    assert.deepEqual(await rows(), before);
});

// ---- taking back ----

test("taken back while it is being sent, or after: refused, and it arrives", async () => {
    const to = newNumber();
    api.fault({ kind: "late", ms: 500 }, { to, times: 1 });
    const { id } = await sent(to, "on its way");
    await api.next((sms) => sms.to === to);
    const during = await Promise.all([post(`/v1/messages/${id}/cancel`), post(`/v1/messages/${id}/cancel`)]);
    assert.deepEqual(during.map(({ status }) => status), [409, 409]);
    await reaches(id, "delivered");
    assert.equal((await post(`/v1/messages/${id}/cancel`)).status, 409);
    assert.deepEqual(bodies(to), ["on its way"]);
});

test("taken back while its line is leaving: reported as canceled or on the phone, never both, never neither", async () => {
    const numbers = Array.from({ length: 20 }, newNumber);
    await gateway.must(["channel", "pause", "acme/support-sms"]);
    const lines = await Promise.all(
        numbers.map(async (to) => {
            const line = [];
            for (let i = 0; i < 12; i++) line.push({ id: (await sent(to, `${i}`)).id as string, to, text: `${i}`, canceled: false });
            return line;
        }),
    );
    const messages = lines.flat();
    await gateway.must(["channel", "resume", "acme/support-sms"]);
    await api.next(({ to }) => numbers.includes(to));
    await Promise.all(
        lines.map(async (line) => {
            for (const message of line.slice().reverse()) {
                const two = await Promise.all([post(`/v1/messages/${message.id}/cancel`), post(`/v1/messages/${message.id}/cancel`)]);
                message.canceled = two.some(({ status }) => status === 200);
                assert.ok(two.every(({ status }) => status === (message.canceled ? 200 : 409)), two.map(({ status }) => status).join());
            }
        }),
    );
    for (const { id, canceled } of messages) await reaches(id, canceled ? "canceled" : "delivered");
    for (const line of lines) assert.deepEqual(bodies(line[0]!.to), line.filter(({ canceled }) => !canceled).map(({ text }) => text));
    const told = (await gateway.events()).filter(({ type }) => type === "message.canceled").map((event) => event.message_id);
    const taken = messages.filter(({ canceled }) => canceled).map(({ id }) => id);
    assert.deepEqual(told.sort(), taken.sort(), "each is told once");
});

// ---- killed ----

test("killed with many under way: nothing is lost, and only what was told as uncertain is on a phone twice", async () => {
    const numbers = Array.from({ length: 90 }, newNumber);
    api.habit({ lost: true });
    api.fault({ kind: "silence", accepts: true }, { times: 30 });
    api.fault({ kind: "silence", accepts: false }, { times: 30 });
    const messages = await Promise.all(numbers.map(async (to) => ({ to, id: (await sent(to, "once", "many-sms")).id as string })));
    const arrived = () => api.requests.all.filter(({ method, form }) => method === "POST" && numbers.includes(form.get("To") ?? "")).length;
    await api.requests.until(() => (arrived() >= 60 ? true : undefined), "what is not answered");
    await gateway.kill9();
    await gateway.up();
    api.gateway = gateway.url;
    for (const { id, to } of messages) {
        const { attempts } = await reaches(id, "sent");
        const outcomes = attempts.map(({ outcome }: { outcome: string }) => outcome);
        const times = bodies(to).length;
        assert.ok(times === 1 || (times === 2 && outcomes.includes("uncertain")), `${times} times, told as ${outcomes.join()}`);
    }
});

// ---- private addresses ----

test("a name, a number or a kept connection that leads to a private address is not called", async () => {
    for (const [i, name] of ownNames.entries()) {
        const { id } = await sent(newNumber(), "where to?", `own-${i}`);
        const state = await until(async () => (await gateway.get("/v1/channels")).data.find(({ slug, health }: any) => slug === `own-${i}` && health === "down"), name);
        assert.equal(state.cause, "the provider's address is a private one", name);
        assert.equal((await post(`/v1/messages/${id}/cancel`)).status, 200);
    }
    assert.equal(accepted, 0);
    await reaches((await sent(newNumber(), "a connection that is kept")).id, "delivered");
    await sent(newNumber(), "not on that one", "shy-sms");
    await until(async () => (await gateway.get("/v1/channels")).data.some(({ slug, health }: any) => slug === "shy-sms" && health === "down"), "shy-sms to be down");
    assert.deepEqual(api.requests.all.filter(({ path }) => path.startsWith("/shy")), []);
});

// ---- what is repeated ----

test("a provider that repeats all it was told puts no word of it into the log, and no secret anywhere", async () => {
    const words = "customer's secret words";
    const basic = Buffer.from(`${accountSid}:${authToken}`).toString("base64");
    rude.answers.set("repeat", (authorization, text) => json(401, JSON.stringify({ code: 20003, message: `${authorization} is ${authToken}: ${text}` })));
    const { id } = await sent(newNumber(), `repeat ${words}`, "rude-sms");
    await until(async () => gateway.logText().includes("channel acme/rude-sms: Twilio does not accept the credentials"), "the fault in the log");
    const message = await until(async () => {
        const one = await gateway.get(`/v1/messages/${id}`);
        return one.attempts.length > 0 && one;
    }, "the attempt");
    const seen = [gateway.logText(), JSON.stringify(message), await gateway.must(["trace", id]), (await request(`${gateway.ops}/metrics`)).body.toString()];
    for (const text of seen) for (const secret of [authToken, basic, gateway.key]) assert.ok(!text.includes(secret));
    assert.ok(!seen[0]!.includes(words) && !seen[3]!.includes(words));
    // mended, it leaves
    rude.answers.delete("repeat");
    await leaves(id);
});

test("whatever a provider answers, a message is sent once, and what became of it is told or uncertain; the next one leaves", async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000, " "));
    const uncertain: Record<string, string | Buffer> = {
        "header-of-1-MB": `HTTP/1.1 201 Created\r\nX: ${"a".repeat(1 << 20)}\r\nContent-Length: 2\r\n\r\n{}`,
        "100,000-headers": `HTTP/1.1 201 Created\r\n${"X: y\r\n".repeat(100_000)}Content-Length: 2\r\n\r\n{}`,
        "too-long-a-length": `HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n${good()}`,
        "too-short-a-length": `HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n${good()}`,
        "negative-length": `HTTP/1.1 201 Created\r\nContent-Length: -5\r\n\r\n${good()}`,
        "chunks-that-are-none": `HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${good()}\r\n0\r\n\r\n`,
        "trailers-without-end": `HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n${"X: y\r\n".repeat(50_000)}\r\n`,
        "storm-of-100": "HTTP/1.1 100 Continue\r\n\r\n".repeat(50_000) + json(201, good()),
        "101": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + json(201, good()),
        "204": "HTTP/1.1 204 No Content\r\n\r\n",
        "999": json(999, "{}"),
        "no-status": good(),
        bomb: Buffer.concat([Buffer.from(`HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`), bomb]),
        "sid-of-10,000": json(201, JSON.stringify({ sid: `SM${"a".repeat(10_000)}`, status: "queued" })),
        "sid-that-is-a-number": json(201, '{"sid":5,"status":"queued"}'),
        "two-sids": json(201, good().replace("{", `{"sid":"${newSid("SM")}",`)),
        "100,000-levels": json(201, "[".repeat(100_000)),
    };
    const failed: Record<string, string | Buffer> = {
        "not-UTF-8": Buffer.concat([Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 17\r\n\r\n{\"message\":\"abc"), Buffer.from([0xff]), Buffer.from('"}')]),
        NUL: json(400, '{"code":21211,"message":"a\\u0000b"}'),
        "lone-surrogate": json(400, '{"code":21211,"message":"a\\ud800b"}'),
        "code-that-is-a-string": json(400, '{"code":"21211","message":"no"}'),
        "negative-code": json(400, '{"code":-9223372036854775808,"message":"no"}'),
        "code-that-is-too-large": json(400, '{"code":9223372036854775808,"message":"no"}'),
        "words-that-are-an-object": json(400, '{"code":[21211],"message":{"a":1}}'),
    };
    for (const [fate, answers] of Object.entries({ uncertain, failed }))
        for (const [name, answer] of Object.entries(answers)) {
            rude.answers.set(name, () => answer);
            const { id } = await sent(newNumber(), `${name} please`, "rude-sms");
            const next = await sent(newNumber(), "good one", "rude-sms");
            await reaches(id, fate);
            await leaves(next.id);
            assert.equal(rude.came.filter((word) => word === name).length, 1, name);
        }
});

test("two Idempotency-Keys are none: nobody knows which of them a proxy reads", async () => {
    const body = JSON.stringify({ channel: "support-sms", to: `tel:${newNumber()}`, text: "x" });
    const head = ["POST /v1/messages HTTP/1.1", "Host: x", `Authorization: Bearer ${gateway.key}`, "Content-Type: application/json", "Idempotency-Key: a", "Idempotency-Key: b"];
    const { text } = await gateway.wire([...head, `Content-Length: ${body.length}`, "Connection: close", "", body].join("\r\n"));
    assert.match(text, /^HTTP\/1.1 422 /);
});
