// SPDX-License-Identifier: Apache-2.0
//
// The API as agents and programs use it.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { request } from "../../sandbox/http.js";
import { newSid } from "../../sandbox/twilio.js";
import { compileAll, openapiText } from "./contract.js";
import { accountSid, Gateway, until, type Message, type Ticket } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("api");
});
after(() => gateway?.stop());

const patch = (ticket: string, body: unknown, etag?: string) =>
    gateway.api(`/v1/tickets/${ticket}`, { method: "PATCH", body, headers: etag === undefined ? {} : { "if-match": etag } });

test("the API describes itself, and its description is sound", async () => {
    const answer = await gateway.api("/openapi.json", { key: null });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, JSON.parse(openapiText));
    assert.ok(compileAll() > 50);
});

test("livez and readyz answer without a key, metrics only on the ops listener", async () => {
    for (const path of ["/livez", "/readyz"]) assert.equal((await gateway.api(path, { key: null })).status, 200);
    assert.ok([401, 404].includes((await request(`${gateway.url}/metrics`)).status));
    const answer = await request(`${gateway.ops}/metrics`);
    assert.match(String(answer.headers["content-type"]), /^text\/plain/);
    assert.ok((await gateway.metrics()).size > 5);
    assert.ok((await gateway.metrics()).get("gw_http_connections")! >= 1, "our own is open");
    const text = answer.body.toString();
    assert.ok(text.endsWith("\n"));
    for (const name of new Set([...text.matchAll(/^([a-z]\w*?)(?:_bucket|_sum|_count)?(?:\{| )/gm)].map((match) => match[1]!)))
        assert.match(text, new RegExp(`^# TYPE ${name}`, "m"));
    assert.ok(!text.includes("acme"), "no account in a label");
});

/** By how much work raises the samples of /metrics; those that stay are left out. */
async function rise(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await gateway.metrics();
    await work();
    const rises = [...(await gateway.metrics())].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
    return Object.fromEntries(rises.filter(([name, by]) => by !== 0 && /^gw_/.test(name)));
}

test("metrics tell what became of every request, what was known already, and what each commit held", async () => {
    const sid = newSid();
    const rises = await rise(async () => {
        for (let i = 0; i < 3; i++) assert.equal((await gateway.twilio.receive({ from: "+15552220000", body: "once", sid })).status, 200);
        await gateway.twilio.raw([["AccountSid", accountSid], ["Surprise", "x"]]);
        assert.equal((await gateway.twilio.receive({ from: "+15552220000", body: "forged" }, { signature: "wrong" })).status, 403);
        assert.equal((await request(`${gateway.url}/hooks/acme/support-sms`, { method: "PUT", body: "x" })).status, 405);
    });
    // One after the other: each stored request had a transaction to itself.
    assert.equal(rises['gw_ingest_requests_total{outcome="stored"}'], 3);
    assert.equal(rises['gw_ingest_requests_total{outcome="quarantined"}'], 1);
    assert.equal(rises['gw_ingest_requests_total{outcome="refused"}'], 2);
    assert.equal(rises['gw_ingest_requests_total{outcome="busy"}'], undefined);
    assert.equal(rises["gw_ingest_duplicates_total"], 2);
    assert.equal(rises["gw_ingest_commit_batch_size_count"], 4);
    assert.equal(rises["gw_ingest_commit_batch_size_sum"], 4);
    for (const bound of ["1", "128", "+Inf"]) assert.equal(rises[`gw_ingest_commit_batch_size_bucket{le="${bound}"}`], 4);
    assert.equal(rises["gw_ingest_commit_seconds_count"], 4);
    assert.equal(rises['gw_ingest_commit_seconds_bucket{le="+Inf"}'], 4);
    assert.ok(rises["gw_ingest_commit_seconds_sum"]! > 0);
});

test("metrics count the API's requests by route, never by path, and open streams", async () => {
    const rises = await rise(async () => {
        const { id } = await gateway.ticketOf("+15552220000");
        await gateway.get(`/v1/tickets/${id}`);
        assert.equal((await gateway.api("/v1/tickets/00000000-0000-7000-8000-000000000000")).status, 404);
    });
    assert.equal(rises['gw_http_requests_total{route="/v1/tickets/{id}",method="GET",code="200"}'], 1);
    assert.equal(rises['gw_http_requests_total{route="/v1/tickets/{id}",method="GET",code="404"}'], 1);
    assert.equal(rises["gw_http_request_duration_seconds_count"], 3);
    const { at } = await gateway.tickets("?limit=1");
    const before = await gateway.metrics();
    const stream = gateway.sse({ after: at - 2 });
    await stream.take(2);
    // Counted once they are written: the reader may be faster.
    await until(async () => (await gateway.metrics()).get("gw_events_streamed_total") === before.get("gw_events_streamed_total")! + 2, "two events");
    assert.equal((await gateway.metrics()).get("gw_sse_clients"), before.get("gw_sse_clients")! + 1);
    stream.close();
});

test("metrics have the names that dashboards ask for", async () => {
    const names = new Set([...(await gateway.metrics()).keys()].map((name) => name.replace(/\{.*/, "")));
    for (const name of [
        "gw_build_info", "gw_http_requests_total", "gw_http_request_duration_seconds_bucket", "gw_ingest_requests_total",
        "gw_ingest_duplicates_total", "gw_ingest_commit_batch_size_bucket", "gw_ingest_commit_seconds_bucket", "gw_ingest_queue_depth",
        "gw_ingest_queue_oldest_seconds", "gw_database_connected", "gw_sse_clients", "gw_feed_lag_seconds", "gw_outbox_depth", "gw_outbox_oldest_due_seconds", "gw_send_attempts_total", "gw_events_streamed_total", "gw_pg_connections", "gw_pg_oldest_xmin_age",
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
        "process_max_fds", "process_start_time_seconds",
    ])
        assert.ok(names.has(name), name);
});

test("an agent closes a ticket with the version that she saw", async () => {
    await gateway.twilio.receive({ from: "+15552220001", body: "first" });
    const { id } = await gateway.ticketOf("+15552220001");
    const read = await gateway.api(`/v1/tickets/${id}`);
    const etag = String(read.headers["etag"]);
    assert.equal(etag, `"v${read.json.version}"`);

    assert.equal((await patch(id, { status: "closed" })).status, 428, "without If-Match");
    assert.equal((await patch(id, { status: "closed" }, '"v999"')).status, 412);
    assert.equal((await patch(id, { status: "closed" }, "nonsense")).status, 412);
    await gateway.twilio.receive({ from: "+15552220001", body: "wait, one more thing" });
    assert.equal((await patch(id, { status: "closed" }, etag)).status, 412, "a message came in between");

    const now = await gateway.api(`/v1/tickets/${id}`);
    const at = (await gateway.tickets("?limit=1")).at;
    const closed = await patch(id, { status: "closed" }, String(now.headers["etag"]));
    assert.equal(closed.status, 200);
    assert.equal(closed.json.status, "closed");
    assert.equal(closed.headers["etag"], `"v${closed.json.version}"`);
    assert.ok(closed.json.version > now.json.version);
    const events = await gateway.events(at);
    assert.deepEqual(events.map((event) => [event.type, event.ticket_id]), [["ticket.closed", id]]);

    const pending = await patch(id, { status: "pending" }, String(closed.headers["etag"]));
    assert.equal(pending.status, 200);
    assert.equal(pending.json.status, "pending");
});

test("two agents who change one ticket at one instant do not overwrite each other", async () => {
    await gateway.twilio.receive({ from: "+15552220002", body: "hello" });
    const ticket = await gateway.ticketOf("+15552220002");
    const answers = await Promise.all(["closed", "pending", "snoozed", "closed", "pending"].map((status) => patch(ticket.id, { status }, `"v${ticket.version}"`)));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 412, 412, 412, 412]);
});

test("a closed ticket stays closed where the customer has a newer one", async () => {
    await gateway.twilio.receive({ from: "+15552220003", body: "old" });
    const old = await gateway.ticketOf("+15552220003");
    await patch(old.id, { status: "closed" }, `"v${old.version}"`);
    await gateway.sql(`update gateway.ticket set closed_at = now() - interval '8 days' where ticket_id = '${old.id}'`);
    await gateway.twilio.receive({ from: "+15552220003", body: "new" });
    const { headers } = await gateway.api(`/v1/tickets/${old.id}`);
    assert.equal((await patch(old.id, { status: "open" }, String(headers["etag"]))).status, 409);
});

test("members that nobody knows are refused and named", async () => {
    await gateway.twilio.receive({ from: "+15552220004", body: "hello" });
    const { id, version } = await gateway.ticketOf("+15552220004");
    const etag = `"v${version}"`;
    const unknown = await patch(id, { status: "closed", "odd/na~me": 1 }, etag);
    assert.equal(unknown.status, 422);
    assert.deepEqual(unknown.json.errors.map((error: { pointer: string }) => error.pointer), ["/odd~1na~0me"]);
    const readOnly = await patch(id, { unread: 0 }, etag);
    assert.equal(readOnly.status, 422);
    assert.equal(readOnly.json.errors[0].pointer, "/unread");
    const wrong = await patch(id, { status: "gone" }, etag);
    assert.equal(wrong.status, 422);
    assert.equal(wrong.json.errors[0].pointer, "/status");
    assert.equal((await patch(id, { status: 7 }, etag)).status, 422);
    for (const body of ["{", "", "[]", "null", '"closed"', '{"status":"closed"}x', '{"status":"\\ud800"}', '{"status":"\\u0000"}', "[".repeat(10_000), Buffer.from([0x7b, 0xff, 0x7d])]) {
        const { status } = await patch(id, body, etag);
        assert.ok([400, 422].includes(status), `${body.toString().slice(0, 20)}: ${status}`);
    }
    const form = await gateway.api(`/v1/tickets/${id}`, { method: "PATCH", body: "status=closed", headers: { "if-match": etag, "content-type": "application/x-www-form-urlencoded" } });
    assert.equal(form.status, 415);
    assert.equal((await gateway.ticketOf("+15552220004")).status, "open", "none of it did anything");
});

test("a body of 256 kB is read, one byte more is not; a subject has at most 1000 bytes", async () => {
    await gateway.twilio.receive({ from: "+15552220008", body: "hello" });
    const { id, version } = await gateway.ticketOf("+15552220008");
    const etag = `"v${version}"`;
    const bytes = (n: number) => `{"status":"${"x".repeat(n - '{"status":""}'.length)}"}`;
    assert.equal((await patch(id, bytes(256 * 1024), etag)).status, 422);
    assert.equal((await patch(id, bytes(256 * 1024 + 1), etag)).status, 413);
    assert.equal((await patch(id, { subject: "x".repeat(1001) }, etag)).status, 422);
    const longest = await patch(id, { subject: "x".repeat(1000) }, etag);
    assert.equal(longest.status, 200);
    assert.equal(longest.json.subject.length, 1000);
});

test("ids that are none, paths that are none and methods that are not taken are told apart", async () => {
    assert.ok([400, 404].includes((await gateway.api("/v1/tickets/7")).status));
    assert.equal((await gateway.api("/v1/nothing")).status, 404);
    assert.equal((await gateway.api("/v1/tickets/01900000-0000-7000-8000-000000000000/nothing")).status, 404);
    const wrong = await gateway.api("/v1/tickets", { method: "DELETE" });
    assert.equal(wrong.status, 405);
    assert.match(String(wrong.headers["allow"]), /GET/);
});

test("120 tickets are read page by page, newest first, each once", async () => {
    const numbers = Array.from({ length: 120 }, (_, i) => `+1555333${String(i).padStart(4, "0")}`);
    for (let i = 0; i < numbers.length; i += 20) await Promise.all(numbers.slice(i, i + 20).map((from) => gateway.twilio.receive({ from, body: from })));
    const seen: Ticket[] = [];
    let cursor: string | null = "";
    let pages = 0;
    while (cursor !== null) {
        const page: { data: Ticket[]; next: string | null } = await gateway.tickets(`?limit=25${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        assert.ok(page.data.length <= 25 && (page.data.length === 25 || page.next === null));
        seen.push(...page.data);
        cursor = page.next;
        pages++;
        // Somebody writes while we read: a ticket that was seen already moves up and is not seen again.
        if (pages === 2) await gateway.twilio.receive({ from: seen[0]!.contact.address.replace("tel:", ""), body: "again" });
    }
    assert.equal(new Set(seen.map((ticket) => ticket.id)).size, seen.length);
    for (const from of numbers) assert.ok(seen.some((ticket) => ticket.contact.address === `tel:${from}`), from);
    const closed = seen.filter((ticket) => ticket.status === "closed").length;
    assert.ok(seen.length >= 120 + closed);
    assert.equal((await gateway.tickets()).data.length, 50, "fifty unless asked otherwise");
    const byTime = (await gateway.tickets("?limit=200&status=open")).data;
    assert.deepEqual(byTime.map((one) => one.updated_at), [...byTime.map((one) => one.updated_at)].sort().reverse());
});

test("limits outside 1 to 200, cursors of others, and parameters that nobody knows are refused", async () => {
    for (const query of ["limit=0", "limit=201", "limit=-1", "limit=abc", "limit=", "limit=99999999999999999999", "cursor=nonsense", "status=gone", "unknown=1"]) {
        assert.equal((await gateway.api(`/v1/tickets?${query}`)).status, 422, query);
    }
    assert.equal((await gateway.tickets("?limit=1")).data.length, 1);
    assert.ok((await gateway.tickets("?limit=200")).data.length > 100);
    const { next } = await gateway.tickets("?limit=1&status=open");
    assert.ok(next);
    assert.equal((await gateway.api(`/v1/tickets?limit=1&status=pending&cursor=${encodeURIComponent(next)}`)).status, 422, "a cursor belongs to its filters");
    const { id } = (await gateway.tickets("?limit=1")).data[0]!;
    for (const list of ["/v1/tickets", `/v1/tickets/${id}/messages`, "/v1/quarantine", "/v1/events"]) {
        for (const [limit, status] of [[0, 422], [1, 200], [200, 200], [201, 422]]) assert.equal((await gateway.api(`${list}?limit=${limit}`)).status, status, `${list} ${limit}`);
    }
    assert.equal((await gateway.api("/v1/events?after=-1")).status, 422);
});

/** A cursor as only who knows the key can make it: its checksum is right, whatever it holds. */
function forge(filter: string, rowKey: string): string {
    const hash = createHash("sha256").update(gateway.key).digest();
    const sum = createHmac("sha256", hash).update(`cursor ${filter}\0${rowKey}`).digest().subarray(0, 8);
    return Buffer.concat([Buffer.from([1]), sum, Buffer.from(rowKey)]).toString("base64url");
}

test("a cursor that a client made up is refused like any other that is none of ours", async () => {
    const { id } = (await gateway.tickets("?limit=1")).data[0]!;
    const lists = [["/v1/tickets", "tickets  "], [`/v1/tickets/${id}/messages`, `messages ${id} asc`], ["/v1/messages", "outgoing  0 "], ["/v1/quarantine", "quarantine "],
        ["/v1/opt-outs", "opt-outs"]];
    for (const [path, filter] of lists) {
        for (const rowKey of ["x", "-1", "99999999999999999999", "1,2", "0000000g"]) {
            const answer = await gateway.api(`${path}?cursor=${forge(filter!, rowKey)}`);
            assert.equal(answer.status, 422, `${path} ${rowKey}`);
        }
    }
    assert.equal((await gateway.api(`/v1/tickets/${id}/messages?cursor=${forge(`messages ${id} asc`, "0")}`)).status, 200, "the forgery is what the gateway makes itself");
});

test("what has not changed is not sent again, and one object takes no parameters", async () => {
    const ticket = (await gateway.tickets("?limit=1")).data[0]!;
    for (const path of [`/v1/tickets/${ticket.id}`, `/v1/contacts/${ticket.contact.id}`]) {
        const { headers } = await gateway.api(path);
        const same = await gateway.api(path, { headers: { "if-none-match": headers.etag } });
        assert.deepEqual([same.status, same.body.length, same.headers.etag], [304, 0, headers.etag]);
        assert.equal((await gateway.api(path, { headers: { "if-none-match": '"v0"' } })).status, 200);
        assert.equal((await gateway.api(`${path}?expand=all`)).status, 422);
    }
});

test("lists can be narrowed to a status and a channel", async () => {
    await gateway.sandbox({ channel: "sales-sms", number: "+15550002222" }).receive({ from: "+15552220005", body: "sales" });
    const sales = await gateway.tickets("?channel=sales-sms");
    assert.deepEqual(sales.data.map((ticket) => ticket.contact.address), ["tel:+15552220005"]);
    assert.deepEqual((await gateway.tickets("?channel=none")).data, []);
    assert.ok((await gateway.tickets("?status=pending")).data.every((ticket) => ticket.status === "pending"));
});

test("messages are read by number, from either end, page by page", async () => {
    for (let i = 1; i <= 7; i++) await gateway.twilio.receive({ from: "+15552220006", body: String(i) });
    const { id } = await gateway.ticketOf("+15552220006");
    for (const order of ["asc", "desc"]) {
        const seen: Message[] = [];
        for (let cursor: string | null = ""; cursor !== null; ) {
            const page: { data: Message[]; next: string | null } = await gateway.messages(id, `?order=${order}&limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
            seen.push(...page.data);
            cursor = page.next;
        }
        const expected = ["1", "2", "3", "4", "5", "6", "7"];
        assert.deepEqual(seen.map((message) => message.text), order === "asc" ? expected : expected.reverse());
    }
    assert.equal((await gateway.api(`/v1/tickets/${id}/messages?order=sideways`)).status, 422);
});

test("pages and streams answer though each of their 200 messages is the longest that a channel takes", async () => {
    const longest = "\u0001".repeat(16_384); // JSON writes each of these in six bytes
    const { at } = await gateway.tickets("?limit=1");
    const number = "+15552220077";
    for (let n = 0; n < 200; n += 20) {
        const sent = await Promise.all(Array.from({ length: 20 }, () => gateway.twilio.receive({ from: number, body: longest })));
        assert.ok(sent.every(({ status }) => status === 200));
    }
    const { id } = await gateway.ticketOf(number);
    const page = await gateway.messages(id, "?limit=200");
    assert.deepEqual([page.data.length, page.next], [200, null]);
    assert.ok(page.data.every(({ text }) => text === longest));
    const received = (events: { type: string }[]) => events.filter(({ type }) => type === "message.received").length;
    const events = await gateway.events(at);
    assert.equal(received(events), 200);
    const stream = gateway.sse({ after: at });
    assert.equal((await stream.take(events.length)).length, events.length);
    stream.close();
    await gateway.twilio.receive({ from: number, body: longest + "." });
    assert.equal((await gateway.get("/v1/quarantine?limit=1")).data[0].reason, "the request has a field that is longer than any of Twilio's");
});

test("a message that came in is one part, and what a receipt says of its id is not said of it", async () => {
    const { sid } = await gateway.twilio.receive({ from: "+15552220007", body: "whole" });
    const { id } = await gateway.ticketOf("+15552220007");
    const [listed] = (await gateway.messages(id)).data;
    const whole = () => gateway.get(`/v1/messages/${listed!.id}`);
    const { parts, ...rest } = await whole();
    const { parts: _, ...same } = listed as any;
    assert.deepEqual(rest, { ...same, attempts: [], receipts: [] });
    assert.deepEqual(parts.map(({ updated_at, ...part }: { updated_at: string }) => part),
        [{ part: 0, external_id: sid, status: "received", provider_code: null, detail: null }]);
    await gateway.twilio.statusCallback({ sid, to: "+15552220007", status: "read" });
    assert.equal((await whole()).status, "received");
    assert.deepEqual((await whole()).receipts, []);
});

test("channels are listed without their secrets", async () => {
    const { data } = await gateway.get("/v1/channels");
    assert.deepEqual(data.map((one: { slug: string; status: string }) => [one.slug, one.status]), [["sales-sms", "active"], ["support-sms", "active"]]);
    assert.equal(data[1].address, "tel:+15550001111");
});
