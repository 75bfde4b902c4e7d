// SPDX-License-Identifier: Apache-2.0
//
// What an agent's screen asks of a channel beside messages: its templates, and signals to the customer. SMS has neither.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, newProvider } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("signals", { providers: { "support-sms": newProvider() } });
});
after(() => gateway?.stop());

const signal = (ticket: string, body: unknown, more = {}) => gateway.api(`/v1/tickets/${ticket}/signals`, { method: "POST", body, ...more });

test("a channel without signals says so", async () => {
    const { id } = await gateway.newTicket();
    for (const type of ["read", "typing"]) {
        const answer = await signal(id, { type });
        assert.equal(answer.status, 409);
        assert.equal(answer.json.detail, "the channel has no such signal, or nothing has come in that it could be shown for");
    }
});

test("only signals that there are can be asked for, and of tickets that there are", async () => {
    const { id } = await gateway.newTicket();
    for (const body of [{}, { type: "seen" }, { type: null }, { type: 1 }]) {
        const answer = await signal(id, body);
        assert.equal(answer.status, 422, JSON.stringify(body));
        assert.equal(answer.json.errors[0].pointer, "/type");
    }
    assert.equal((await signal(id, { type: "read", text: "x" })).status, 422);
    assert.equal((await signal("01900000-0000-7000-8000-000000000000", { type: "read" })).status, 404);
    assert.equal((await signal(id, { type: "read" }, { key: gateway.otherKey })).status, 404);
});

test("a channel that has no templates has an empty list, and one that is not there has none", async () => {
    assert.deepEqual(await gateway.get("/v1/channels/support-sms/templates"), { data: [], fetched_at: null });
    assert.equal((await gateway.api("/v1/channels/support-fax/templates")).status, 404);
});
