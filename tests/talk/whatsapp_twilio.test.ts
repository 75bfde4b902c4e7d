// SPDX-License-Identifier: Apache-2.0
//
// WhatsApp through Twilio: a channel of the adapter twilio whose number begins with whatsapp:.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Params } from "../../sandbox/twilio.js";
import { Gateway, newPerson, newProvider, type Message, type Ticket } from "./harness.js";

const number = "whatsapp:+15550006666";
const twilio = newProvider("wa-twilio", number);
const sid = "HX0123456789abcdef0123456789abcdef";
let gateway: Gateway;

before(async () => {
    gateway = await Gateway.start("whatsapp_twilio", { providers: { "wa-twilio": twilio } });
});
after(() => gateway?.stop());
beforeEach(() => twilio.well());

/** A new customer writes: their ticket and the message. */
async function met(body = "Hello", extra: Params = []): Promise<{ from: string; ticket: Ticket; message: Message & { in_reply_to: string | null } }> {
    const { wa_id, name } = newPerson();
    const from = `whatsapp:+${wa_id}`;
    assert.equal((await twilio.receive({ from, body, extra: [["ProfileName", name], ["WaId", wa_id], ...extra] })).status, 200);
    const ticket = await gateway.ticketAt(`whatsapp:${wa_id}`);
    return { from, ticket, message: (await gateway.messages(ticket.id, "?order=desc&limit=1")).data[0] as any };
}

test("who writes has a name, and the answer comes out at their phone", async () => {
    const { from, ticket } = await met();
    assert.deepEqual([ticket.contact.name, ticket.channel.slug], ["Ana", "wa-twilio"]);
    await gateway.reaches(await gateway.reply(ticket.id, "Hello Ana"), "delivered");
    assert.deepEqual(twilio.accepted.all.filter(({ to }) => to === from).map((one) => [one.from, one.body]), [[number, "Hello Ana"]]);
});

test("a button that was pressed says which", async () => {
    const { message } = await met("Tomorrow", [["ButtonText", "Tomorrow"], ["ButtonPayload", "day-1"]]);
    assert.deepEqual(message.content, { kind: "text", text: "Tomorrow", selected: { id: "day-1", title: "Tomorrow", source: "button" } });
});

test("a place is a place", async () => {
    const { message } = await met("", [["Latitude", "-23.55"], ["Longitude", "-46.63"], ["Label", "Café"]]);
    assert.deepEqual(message.content, { kind: "location", lat: -23.55, lon: -46.63, name: "Café" });
});

test("an answer to a message of ours names it", async () => {
    const { from, ticket } = await met();
    const id = await gateway.reply(ticket.id, "When?");
    const { sid: ours } = await twilio.next(({ to }) => to === from);
    await gateway.reaches(id, "delivered");
    await twilio.receive({ from, body: "Now", extra: [["OriginalRepliedMessageSid", ours]] });
    const { data } = await gateway.messages(ticket.id, "?order=desc&limit=1");
    assert.equal((data[0] as any).in_reply_to, id);
});

test("free text that Twilio finds too late fails by its name, at once or afterwards", async () => {
    for (const switchOn of [(to: string) => twilio.fault({ kind: "error", code: 63016 }, { to, times: 1 }), (to: string) => twilio.habit({ code: 63016 }, { to, times: 1 })]) {
        const { from, ticket } = await met();
        switchOn(from);
        const late = await gateway.reaches(await gateway.reply(ticket.id, "too late"), "failed");
        assert.deepEqual([late.error.code, late.error.provider_code], ["window_closed", "63016"]);
    }
});

test("a template is sent by its SID, with its variables, also where the window is closed", async () => {
    const { from, ticket } = await met();
    twilio.account.jump(25 * 3600 * 1000);
    const id = await gateway.say(ticket.id, { content: { kind: "template", name: sid, params: ["Ana", "17"] } });
    await gateway.reaches(id, "delivered");
    const sent = twilio.accepted.all.filter(({ to }) => to === from).at(-1)!;
    assert.deepEqual([sent.body, sent.template], ["", { sid, variables: { 1: "Ana", 2: "17" } }]);
});

test("buttons are words, unless Twilio's own content says them", async () => {
    const { from, ticket } = await met();
    const choice = { kind: "choice", text: "When?", options: [{ id: "am", title: "Morning" }, { id: "pm", title: "Afternoon" }] };
    await gateway.reaches(await gateway.say(ticket.id, { content: choice }), "delivered");
    await gateway.reaches(await gateway.say(ticket.id, { content: { ...choice, native: { twilio: { ContentSid: sid } } } }), "delivered");
    const [words, own] = twilio.accepted.all.filter(({ to }) => to === from);
    assert.match(words!.body, /1[^]*Morning[^]*2[^]*Afternoon/);
    assert.deepEqual([own!.body, own!.template?.sid], ["", sid]);
});

test("the customer sees that somebody types", async () => {
    const { ticket, message } = await met();
    const answer = await gateway.api(`/v1/tickets/${ticket.id}/signals`, { method: "POST", body: { type: "typing" } });
    assert.equal(answer.status, 202, answer.body.toString());
    await twilio.typing.next((one) => one === message.external_id);
});
