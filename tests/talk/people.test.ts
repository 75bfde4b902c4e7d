// SPDX-License-Identifier: Apache-2.0
//
// What agents do about people by hand: opt them out and in, block them; and the registry of opt-outs as a list and as CSV.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, newNumber, type ApiAnswer, type ApiOptions } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("people");
    // Nothing leaves: what is queued stays queued.
    await gateway.pauseAll();
    await gateway.restart();
});
after(() => gateway?.stop());

const nobody = "01900000-0000-7000-8000-000000000000";
const optOut = (body: unknown, options: ApiOptions = {}): Promise<ApiAnswer> => gateway.api("/v1/opt-outs", { method: "POST", body, ...options });
const optIn = (id: string, options: ApiOptions = {}): Promise<ApiAnswer> => gateway.api(`/v1/opt-outs/${id}`, { method: "DELETE", ...options });
const send = (to: string, channel = "support-sms"): Promise<ApiAnswer> => gateway.api("/v1/messages", { method: "POST", body: { channel, to: `tel:${to}`, text: "x" } });
const csv = (target: string, options: ApiOptions = {}): Promise<ApiAnswer> => gateway.api(target, { headers: { accept: "text/csv" }, ...options });

test("an agent opts somebody out on one channel or on all, and in again; the log tells it", async () => {
    const number = newNumber();
    const { at } = await gateway.tickets("?limit=1");
    const one = await optOut({ address: `tel:00${number.slice(1)}`, channel: "support-sms" });
    assert.equal(one.status, 201, one.body.toString());
    assert.deepEqual({ ...one.json, id: "", at: "" }, { id: "", address: `tel:${number}`, channel: "support-sms", source: "agent", word: null, at: "", ended_at: null, ended_by: null });
    const refusal = await send(number);
    assert.equal(refusal.status, 409);
    assert.match(refusal.json.detail, /opted out/);
    assert.equal((await send(number, "sales-sms")).status, 202);
    const again = await optOut({ address: `tel:${number}`, channel: "support-sms" });
    assert.deepEqual([again.status, again.json.id], [200, one.json.id]);

    const everywhere = await optOut({ address: `tel:${number}`, channel: null });
    assert.deepEqual([everywhere.status, everywhere.json.channel], [201, null]);
    assert.equal((await send(number, "sales-sms")).status, 409);
    for (const id of [one.json.id, everywhere.json.id, one.json.id]) {
        const ended = await optIn(id);
        assert.deepEqual([ended.status, ended.json.id, ended.json.ended_by], [200, id, "agent"]);
    }
    assert.equal((await send(number)).status, 202);
    const events = (await gateway.events(at)).filter((event) => event.type.startsWith("contact."));
    assert.deepEqual(events.map((event) => event.type), ["contact.created", "contact.opted_out", "contact.opted_out", "contact.opted_in", "contact.opted_in"]);
    assert.ok(events.every((event) => event.data.contact?.id === events[0]!.data.contact!.id));
});

test("the same opt-out again has the same answer; what is no address or no channel is refused", async () => {
    const body = { address: `tel:${newNumber()}` };
    const keyed = { headers: { "idempotency-key": "out" } };
    const [first, second] = [await optOut(body, keyed), await optOut(body, keyed)];
    assert.deepEqual([first.status, second.status, second.headers["idempotent-replayed"]], [201, 201, "true"]);
    assert.deepEqual(second.json, first.json);
    for (const [wrong, place] of [
        [{}, "/address"],
        [{ address: "5551234" }, "/address"],
        [{ address: 7 }, "/address"],
        [{ ...body, channel: "nowhere" }, "/channel"],
        [{ ...body, channel: 7 }, "/channel"],
        [{ ...body, odd: 1 }, "/odd"],
    ] as const) {
        const answer = await optOut(wrong);
        assert.equal(answer.status, 422);
        assert.deepEqual(answer.json.errors.map((error: { pointer: string }) => error.pointer), [place]);
    }
    assert.equal((await optIn(nobody)).status, 404);
    assert.equal((await optIn(first.json.id, { key: gateway.otherKey })).status, 404);
    const reader = { key: await gateway.makeKey("acme", "tickets:read") };
    assert.equal((await optOut(body, reader)).status, 403);
    assert.equal((await optIn(first.json.id, reader)).status, 403);
    assert.equal((await gateway.api("/v1/opt-outs", reader)).status, 200);
});

test("the registry is a list, page by page, and CSV for an audit, whose words are no formulas", async () => {
    const from = newNumber();
    await gateway.twilio.receive({ from, body: "STOP" });
    await gateway.sql(`update gateway.opt_out set word = '=1+1, "x"' where uri = 'tel:${from}'`);
    for (let i = 0; i < 4; i++) await optOut({ address: `tel:${newNumber()}` });
    const list = await gateway.all<{ id: string; address: string; source: string; word: string | null }>("/v1/opt-outs");
    assert.deepEqual(list[4] && [list[4].address, list[4].source, list[4].word], [`tel:${from}`, "keyword", '=1+1, "x"']);
    assert.deepEqual(list.map((one) => one.id), list.map((one) => one.id).sort().reverse());
    const page = await gateway.get("/v1/opt-outs?limit=2");
    assert.deepEqual(page.data.map((one: { id: string }) => one.id), list.slice(0, 2).map((one) => one.id));

    const whole = await csv("/v1/opt-outs");
    assert.equal(whole.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert.equal(whole.headers["link"], undefined);
    const [header, ...lines] = whole.body.toString().split("\r\n");
    assert.equal(header, "address,channel,source,word,at,ended_at,ended_by");
    assert.equal(lines.pop(), "");
    assert.deepEqual(lines.map((line) => line.split(",")[0]), list.map((one) => one.address));
    assert.match(lines[4]!, /^tel:\+\d+,support-sms,keyword,"'=1\+1, ""x""",[^,]+Z,,$/);

    const parts: string[] = [];
    for (let target: string | undefined = "/v1/opt-outs?limit=3"; target; ) {
        const part = await csv(target);
        parts.push(...part.body.toString().split("\r\n").slice(1, -1));
        target = /^<(.*)>; rel="next"$/.exec(String(part.headers["link"] ?? ""))?.[1];
    }
    assert.deepEqual(parts, lines);
    assert.equal((await csv("/v1/opt-outs", { key: gateway.otherKey })).body.toString(), `${header}\r\n`);
    assert.equal((await csv("/v1/opt-outs?limit=10000")).status, 200);
    for (const wrong of ["limit=0", "limit=10001", "cursor=x"]) assert.equal((await csv(`/v1/opt-outs?${wrong}`)).status, 422, wrong);
    assert.equal((await gateway.api("/v1/opt-outs?limit=201")).status, 422);
});

test("a blocked contact is not written to; what they write is stored; who changes them must have read them", async () => {
    const from = newNumber();
    await gateway.twilio.receive({ from, body: "hello" });
    const { id: ticket, contact } = await gateway.ticketOf(from);
    const path = `/v1/contacts/${contact.id}`;
    const patch = (body: unknown, version: number | undefined, options: ApiOptions = {}) =>
        gateway.api(path, { method: "PATCH", body, ...(version === undefined ? {} : { headers: { "if-match": `"v${version}"` } }), ...options });
    const { at } = await gateway.tickets("?limit=1");

    const blocked = await patch({ blocked: true, name: "Ana" }, 1);
    assert.equal(blocked.status, 200, blocked.body.toString());
    assert.equal(blocked.headers["etag"], '"v2"');
    assert.equal(blocked.json.name, "Ana");
    assert.notEqual(blocked.json.blocked_at, null);
    for (const answer of [await send(from), await gateway.api(`/v1/tickets/${ticket}/messages`, { method: "POST", body: { text: "x" } })]) {
        assert.equal(answer.status, 409);
        assert.equal(answer.json.detail, "the contact is blocked");
    }
    assert.equal((await gateway.twilio.receive({ from, body: "are you there?" })).status, 200);
    assert.deepEqual((await gateway.messages(ticket)).data.map((one) => one.text), ["hello", "are you there?"]);

    assert.equal((await patch({ blocked: false }, 1)).status, 412);
    assert.equal((await patch({ blocked: false }, undefined)).status, 428);
    assert.equal((await patch({ blocked: false }, 2, { key: await gateway.makeKey("acme", "tickets:read"), headers: { "if-match": '"v2"' } })).status, 403);
    assert.equal((await patch({ blocked: false }, 2, { key: gateway.otherKey, headers: { "if-match": '"v2"' } })).status, 404);
    for (const [wrong, place] of [[{ blocked: "yes" }, "/blocked"], [{ name: "" }, "/name"], [{ name: "ü".repeat(256) }, "/name"], [{ name: 7 }, "/name"], [{ version: 7 }, "/version"]] as const) {
        const answer = await patch(wrong, 2);
        assert.equal(answer.status, 422);
        assert.deepEqual(answer.json.errors.map((error: { pointer: string }) => error.pointer), [place]);
    }
    const free = await patch({ blocked: false, name: null }, 2);
    assert.deepEqual([free.json.blocked_at, free.json.name, free.json.version], [null, null, 3]);
    assert.equal((await patch({ blocked: false }, undefined, { headers: { "if-match": "*" } })).status, 200, "whatever version it is");
    assert.equal((await send(from)).status, 202);
    const events = (await gateway.events(at)).filter((event) => event.type.startsWith("contact."));
    assert.deepEqual(events.map((event) => [event.type, event.data.contact?.id]), [["contact.updated", contact.id], ["contact.updated", contact.id]]);
});
