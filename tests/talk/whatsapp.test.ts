// SPDX-License-Identifier: Apache-2.0
//
// WhatsApp as its customers and agents meet it: what a phone says becomes a message, and an answer comes out at the phone, with all that Meta puts
// between: signatures, windows, templates, files in two steps, statuses.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { pick, press, react, tap, type GraphNumber, type Json } from "../../sandbox/graph.js";
import type { GraphMessage } from "../../sandbox/graph_account.js";
import { Gateway, newGraph, newNumber, newPerson, newProvider, until, waNumber, type Event, type Message, type Ticket } from "./harness.js";

const graph = newGraph();
const twilio = newProvider();
/** Of the same app, but another account. */
const second: GraphNumber = { id: "106540352249999", display: "15550005555", waba: "209900000000001" };
let gateway: Gateway;

before(async () => {
    graph.account.addNumber(second);
    graph.account.addTemplate({ name: "order_ready", language: "en_US", components: [{ type: "BODY", text: "Hi {{first_name}}, order {{order}} is ready." }, { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "On my way" }] }] });
    for (let i = 0; i < 120; i++) graph.account.addTemplate({ name: `season_${i}`, language: "en", category: "MARKETING", components: [{ type: "BODY", text: "A sale" }] });
    gateway = await Gateway.start("whatsapp", {
        graph,
        limits: { channel_lease: "1s" },
        providers: { "support-sms": twilio },
        whatsapp: {
            wa: { uncertain_wait: "10m" }, // so that only a status can settle it
            "wa-two": { phone_number_id: second.id, waba_id: second.waba, from: `+${second.display}` },
        },
    });
});
after(() => gateway?.stop());
beforeEach(() => graph.well());

const hours = (n: number) => n * 3600 * 1000;
const addressOf = (person: { wa_id: string }) => `whatsapp:${person.wa_id}`;

/** A new customer has written; at: when. */
async function met(at = new Date()): Promise<{ person: { wa_id: string; name: string }; ticket: Ticket; wamid: string }> {
    const person = newPerson();
    const { status, id } = await graph.receive({ from: person, text: "Hello", at });
    assert.equal(status, 200);
    return { person, ticket: await gateway.ticketAt(addressOf(person)), wamid: id };
}

const onPhone = (person: { wa_id: string }): Promise<GraphMessage> => graph.next(({ customer }) => customer === person.wa_id);

/** The newest message of a ticket. */
async function newest(ticket: Ticket): Promise<Message & { in_reply_to: string | null; author: { type: string } | null }> {
    const { data } = await gateway.messages(ticket.id, "?order=desc&limit=1");
    return data[0] as any;
}

const post = (ticket: Ticket, body: object) => gateway.api(`/v1/tickets/${ticket.id}/messages`, { method: "POST", body });
const file = async (bytes: Buffer, type: string, name: string): Promise<string> => {
    const answer = await gateway.api(`/v1/attachments?name=${name}`, { method: "POST", body: bytes, headers: { "content-type": type } });
    assert.equal(answer.status, 201, answer.body.toString());
    return answer.json.id;
};
const quarantined = async (): Promise<number> => (await gateway.all("/v1/quarantine")).length;

const choice = { kind: "choice", text: "When shall we deliver?", options: [{ id: "am", title: "Morning" }, { id: "pm", title: "Afternoon" }] };
const template = (params: object) => ({ content: { kind: "template", name: "order_ready", lang: "en_US", params } });

test("Meta asks whether the URL is ours, and is answered with its challenge; nobody else is", async () => {
    const right = await graph.speaker().verify();
    assert.deepEqual([right.status, right.body.toString()], [200, "1158201444"]);
    assert.equal((await graph.speaker().verify({ "hub.verify_token": "guessed" })).status, 403);
});

test("only what the app signed over its very bytes is believed", async () => {
    for (const signature of ["wrong", "missing", "empty", "body", "reserialized"] as const) {
        const { status } = await graph.receive({ from: newPerson(), text: "mail me @ a@b.c 😀" }, { signature });
        assert.equal(status, 403, signature);
    }
});

test("what is said on the phone is a message of a ticket, and the answer comes out at the phone", async () => {
    const { person, ticket } = await met();
    assert.deepEqual([ticket.contact.name, ticket.channel.slug], ["Ana", "wa"]);
    const window = Date.parse((ticket as any).window_until);
    assert.ok(Math.abs(window - Date.now() - hours(24)) < 60_000, "it may be answered freely for a day");
    const id = await gateway.reply(ticket.id, "Hello Ana");
    const sent = await onPhone(person);
    assert.deepEqual([sent.type, (sent.body["text"] as Json)["body"], sent.body["to"], sent.opaque], ["text", "Hello Ana", `+${person.wa_id}`, `${id}/0`]);
    const answered = await gateway.reaches(id, "delivered");
    assert.deepEqual([answered.from, answered.to], [`whatsapp:${waNumber.display}`, addressOf(person)]);
    assert.equal((await gateway.messages(ticket.id)).data[0]!.to, answered.from, "one number has one name");
});

test("a choice has buttons on WhatsApp and numbers in an SMS; both answers say what was selected", async () => {
    const { person, ticket } = await met();
    const id = await gateway.say(ticket.id, { content: choice });
    const sent = await onPhone(person);
    const { action } = sent.body["interactive"] as any;
    assert.deepEqual(action.buttons.map(({ reply }: any) => reply), [{ id: "am", title: "Morning" }, { id: "pm", title: "Afternoon" }]);
    await gateway.reaches(id, "delivered");
    await graph.receive({ from: person, ...tap("pm", "Afternoon", sent.sid, waNumber) });
    const tapped = await newest(ticket);
    assert.equal(tapped.text, "Afternoon");
    const { source, ...selected } = tapped.content["selected"] as Json;
    assert.deepEqual([source, selected["id"], selected["title"], tapped.in_reply_to], ["button", "pm", "Afternoon", id]);

    const { id: sms, from } = await gateway.newTicket(newNumber());
    await gateway.say(sms, { content: choice });
    const { body } = await twilio.next(({ to }) => to === from);
    assert.match(body, /When shall we deliver\?[^]*1[^]*Morning[^]*2[^]*Afternoon/);
    await twilio.receive({ from, body: "2" });
    const typed = (await gateway.messages(sms, "?order=desc&limit=1")).data[0]!.content["selected"] as Json;
    assert.deepEqual([typed["source"], typed["id"], typed["title"]], ["number", "pm", "Afternoon"]);
});

test("a choice of more than three is a list", async () => {
    const { person, ticket } = await met();
    const options = ["Mon", "Tue", "Wed", "Thu"].map((title) => ({ id: title.toLowerCase(), title }));
    await gateway.say(ticket.id, { content: { ...choice, options } });
    const sent = await onPhone(person);
    const interactive = sent.body["interactive"] as any;
    assert.deepEqual([interactive.type, interactive.action.sections.flatMap(({ rows }: any) => rows).length], ["list", 4]);
    await graph.receive({ from: person, ...pick("wed", "Wed", sent.sid, waNumber) });
    assert.deepEqual({ ...(((await newest(ticket)).content["selected"] as Json) ?? {}), message_id: undefined }, { id: "wed", title: "Wed", source: "list", message_id: undefined });
});

test("a day after the customer's last word only a template goes; their answer opens the window again", async () => {
    const { person, ticket } = await met(new Date(Date.now() - hours(25)));
    const refused = await post(ticket, { text: "Are you still there?" });
    assert.equal(refused.status, 409, refused.body.toString());
    assert.match(refused.body.toString(), /\/v1\/channels\/wa\/templates/, "the problem says where the templates are");
    const id = await gateway.say(ticket.id, template({ first_name: "Ana", order: "17" }));
    const sent = await onPhone(person);
    assert.deepEqual((sent.body["template"] as any).name, "order_ready");
    await gateway.reaches(id, "delivered");
    assert.equal((await graph.receive({ from: person, ...press("On my way", "On my way", sent.sid, waNumber) })).status, 200);
    assert.equal((await newest(ticket)).text, "On my way");
    await gateway.reaches(await gateway.reply(ticket.id, "See you then"), "delivered");
});

test("a window that only Meta knows to be closed fails the message by its name", async () => {
    const { ticket } = await met();
    graph.refusesLate = true;
    graph.jump(hours(24));
    const id = await gateway.reply(ticket.id, "too late");
    const message = await gateway.reaches(id, "failed");
    assert.deepEqual([message.error.code, message.error.provider_code], ["window_closed", "131047"]);
    graph.jump(-hours(24));
});

test("templates are listed as the provider has them, all pages of them", async () => {
    const { data } = await until(async () => {
        const list = await gateway.get<{ data: any[] }>("/v1/channels/wa/templates");
        return list.data.length >= 121 && list;
    }, "121 templates");
    const one = data.find(({ name }) => name === "order_ready");
    assert.deepEqual([data.length, one.lang, one.status, one.category], [121, "en_US", "APPROVED", "UTILITY"]);
});

test("a template without a parameter is refused at once, and the parameter is named", async () => {
    const { person, ticket } = await met();
    await until(async () => (await gateway.get<{ data: any[] }>("/v1/channels/wa/templates")).data.length > 0, "templates");
    const answer = await post(ticket, template({ first_name: "Ana" }));
    assert.equal(answer.status, 422, answer.body.toString());
    assert.match(answer.body.toString(), /order/);
    assert.equal(graph.to(person.wa_id).length, 0);
});

test("a thousand messages in one request are stored, each once, though the request comes twice", async () => {
    const people = Array.from({ length: 20 }, () => newPerson());
    const messages = Array.from({ length: 1000 }, (_, i) => ({ from: people[i % people.length]!, text: `bulk ${i}`, id: `wamid.BULK${i}` }));
    for (let i = 0; i < 2; i++) assert.equal((await graph.speaker().receiveAll(messages)).status, 200);
    const texts = [];
    for (const person of people) texts.push(...(await gateway.all<Message>(`/v1/tickets/${(await gateway.ticketAt(addressOf(person))).id}/messages`)).map(({ text }) => text));
    assert.equal(texts.length, 1000);
    assert.equal(new Set(texts).size, 1000);
});

test("a file is uploaded once more where that failed, the send leaves once, and the file's id is used again", async () => {
    const { person, ticket } = await met();
    const jpeg = await file(Buffer.from("\xff\xd8\xff one of its kind", "latin1"), "image/jpeg", "a.jpg");
    graph.fault({ kind: "error", code: 131053 }, { of: "upload", times: 1 });
    const uploads = graph.uploads.all.length;
    const id = await gateway.say(ticket.id, { text: "Look!", attachments: [jpeg] });
    await gateway.reaches(id, "delivered");
    const [sent] = graph.to(person.wa_id);
    assert.deepEqual([graph.to(person.wa_id).length, graph.uploads.all.length - uploads], [1, 1]);
    assert.deepEqual(sent!.body["image"], { id: graph.uploads.all.at(-1)!.id, caption: "Look!" });
    const other = await met();
    const again = await file(Buffer.from("\xff\xd8\xff one of its kind", "latin1"), "image/jpeg", "a.jpg");
    await gateway.reaches(await gateway.say(other.ticket.id, { attachments: [again] }), "delivered");
    assert.equal(graph.uploads.all.length - uploads, 1, "Meta still has it");
});

test("a file of a customer's is fetched in two steps; one whose bytes are others is marked, and its message kept", async () => {
    const bytes = Buffer.from("a picture");
    const send = async (image: Json): Promise<Message> => {
        const person = newPerson();
        assert.equal((await graph.receive({ from: person, type: "image", image })).status, 200);
        return newest(await gateway.ticketAt(addressOf(person)));
    };
    const settled = ({ id }: Message): Promise<Message> =>
        until(async () => {
            const message = await gateway.get<Message>(`/v1/messages/${id}`);
            return message.attachments[0]!.status !== "waiting" && message;
        }, "the file to be there, or not");
    const right = await settled(await send(graph.file(bytes, "image/jpeg", { caption: "receipt" })));
    assert.deepEqual([right.text, right.attachments[0]!.status], ["receipt", "stored"]);
    assert.ok((await gateway.api(`/v1/attachments/${right.attachments[0]!.id}`)).body.equals(bytes));
    const wrong = await settled(await send(graph.file(bytes, "image/jpeg", { caption: "forged", sha256: Buffer.alloc(32, 7) })));
    assert.deepEqual([wrong.text, wrong.attachments[0]!.status], ["forged", "failed"]);
    assert.ok(wrong.attachments[0]!.error);
});

test("the token goes to Meta's own hosts and no further", async () => {
    const redirect = "http://127.0.0.9:9/elsewhere";
    const person = newPerson();
    await graph.receive({ from: person, type: "image", image: graph.file(Buffer.from("x"), "image/jpeg", { redirect }) });
    const { id } = await newest(await gateway.ticketAt(addressOf(person)));
    await until(async () => (await gateway.get<Message>(`/v1/messages/${id}`)).attachments[0]!.status === "failed", "the file to be given up");
});

test("one URL serves several numbers: each message goes to its number's channel; a stranger's number is put aside with 200", async () => {
    const before = await quarantined();
    const meta = graph.speaker();
    const [mine, theirs, nobodys] = [newPerson(), newPerson(), newPerson()];
    const unknown = { id: "999", display: "15550009999", waba: waNumber.waba };
    const changes = [meta.messages([{ from: mine, text: "to the first" }]), meta.of(second).messages([{ from: theirs, text: "to the second" }]), meta.of(unknown).messages([{ from: nobodys, text: "to nobody" }])];
    assert.equal((await meta.post(meta.envelope(changes))).status, 200);
    assert.equal((await gateway.ticketAt(addressOf(mine))).channel.slug, "wa");
    assert.equal((await gateway.ticketAt(addressOf(theirs))).channel.slug, "wa-two");
    assert.equal((await gateway.all<Ticket>("/v1/tickets")).filter(({ contact }) => contact.address === addressOf(nobodys)).length, 0);
    assert.equal(await quarantined(), before + 1);
    graph.account.hear(second.id, theirs.wa_id, new Date());
    const id = await gateway.reply((await gateway.ticketAt(addressOf(theirs))).id, "from the second");
    assert.equal((await onPhone(theirs)).number, second.id);
    await gateway.reaches(id, "delivered");

    // What is said of a number names it by itself.
    assert.equal((await meta.notice("phone_number_quality_update", { display_phone_number: second.display, event: "FLAGGED" })).status, 200);
    const told = (await gateway.events()).find(({ type, data }) => type === "channel.updated" && (data as any).update.topic === "quality");
    assert.equal(told?.data.channel?.slug, "wa-two");
    assert.equal(await quarantined(), before + 1);
});

test("what no JSON reader can hold is put aside whole and answered with 200", async () => {
    for (const text of ["half a pair \ud83d", "a \0 in the middle"]) {
        const before = await quarantined();
        const person = newPerson();
        assert.equal((await graph.receive({ from: person, text })).status, 200);
        assert.equal(await quarantined(), before + 1);
        assert.equal((await gateway.all<Ticket>("/v1/tickets")).filter(({ contact }) => contact.address === addressOf(person)).length, 0);
    }
});

test("killed between send and answer: the status that carries our id settles it, and nothing is sent twice", async () => {
    const { person, ticket } = await met();
    graph.fault({ kind: "silence", accepts: true }, { to: person.wa_id, times: 1 });
    graph.habit({ held: true }, { to: person.wa_id, times: 1 });
    const id = await gateway.reply(ticket.id, "once");
    const sent = await onPhone(person);
    await gateway.kill9();
    await gateway.up();
    await gateway.reaches(id, "uncertain");
    graph.receipts.release();
    const message = await gateway.reaches(id, "delivered");
    assert.equal(graph.byOpaque(`${id}/0`).length, 1);
    assert.equal(message.parts[0].external_id, sent.sid, "and tells Meta's id of it");
});

test("the pair's limit delays that pair alone", async () => {
    const [slow, fast] = [await met(), await met()];
    graph.fault({ kind: "error", code: 131056 }, { to: slow.person.wa_id, times: 1 });
    const waits = await gateway.reply(slow.ticket.id, "slowly");
    await gateway.tried(waits, 1);
    await gateway.reaches(await gateway.reply(fast.ticket.id, "at once"), "delivered");
    assert.equal(graph.to(slow.person.wa_id).length, 0);
    await gateway.reaches(waits, "delivered");
    assert.equal(graph.to(slow.person.wa_id).length, 1);
});

test("reactions come and go, both ways", async () => {
    const { person, ticket, wamid } = await met();
    const incoming = await newest(ticket);
    const id = await gateway.reply(ticket.id, "Done");
    const sent = await onPhone(person);
    await gateway.reaches(id, "delivered");
    for (const emoji of ["👍", null]) {
        await graph.receive({ from: person, ...react(sent.sid, emoji) });
        const { content, in_reply_to } = await newest(ticket);
        assert.deepEqual([content.kind, content["emoji"], in_reply_to], ["reaction", emoji, id]);
    }
    await gateway.say(ticket.id, { content: { kind: "reaction", target: incoming.id, emoji: "❤️" } });
    assert.deepEqual((await onPhone(person)).body["reaction"], { message_id: wamid, emoji: "❤️" });
});

test("an answer quotes what it answers", async () => {
    const { person, ticket, wamid } = await met();
    await gateway.say(ticket.id, { text: "This one", in_reply_to: (await newest(ticket)).id });
    assert.deepEqual((await onPhone(person)).body["context"], { message_id: wamid });
});

test("the customer sees that somebody reads and types", async () => {
    const { ticket, wamid } = await met();
    for (const type of ["read", "typing"]) {
        const answer = await gateway.api(`/v1/tickets/${ticket.id}/signals`, { method: "POST", body: { type } });
        assert.equal(answer.status, 202, answer.body.toString());
        await graph.signals.next((signal) => signal.message === wamid && signal.typing === (type === "typing"));
    }
});

test("what the business writes on its own phone is an outgoing message of a human", async () => {
    const { person, ticket } = await met();
    assert.equal((await graph.speaker().echo(person, "I called you")).status, 200);
    const message = await newest(ticket);
    assert.deepEqual([message.kind, message.text, message.author?.type], ["outgoing", "I called you", "human"]);
});

test("who has a new number is the same contact", async () => {
    const { person, ticket } = await met();
    const next = newPerson();
    const system = { type: "user_changed_number", wa_id: next.wa_id, body: `User Ana changed from ${person.wa_id} to ${next.wa_id}` };
    assert.equal((await graph.receive({ from: { wa_id: person.wa_id }, type: "system", system })).status, 200);
    assert.equal((await graph.receive({ from: next, text: "It is me" })).status, 200);
    const theirs = (await gateway.all<Ticket>("/v1/tickets")).filter(({ contact }) => contact.id === ticket.contact.id);
    assert.ok(theirs.length >= 1);
    const texts = (await Promise.all(theirs.map(({ id }) => gateway.all<Message>(`/v1/tickets/${id}/messages`)))).flat().map(({ text }) => text);
    assert.ok(texts.includes("Hello") && texts.includes("It is me"), texts.join());
});

test("who hides their number is reached by their id, and is the same contact once both are seen", async () => {
    const { wa_id } = newPerson();
    const hidden = { user_id: `US.${wa_id}`, name: "Kim", username: "kim.l" };
    assert.equal((await graph.receive({ from: hidden, text: "Who am I?" })).status, 200);
    const ticket = await gateway.ticketAt(`whatsapp:${hidden.user_id}`);
    await gateway.reaches(await gateway.reply(ticket.id, "Kim"), "delivered");
    assert.deepEqual([graph.to(hidden.user_id)[0]!.body["recipient"], graph.to(hidden.user_id)[0]!.body["to"]], [hidden.user_id, undefined]);
    assert.equal((await graph.receive({ from: { ...hidden, wa_id }, text: "And this is my number" })).status, 200);
    const contacts = new Set((await gateway.all<Ticket>("/v1/tickets")).filter(({ contact }) => contact.name === "Kim").map(({ contact }) => contact.id));
    assert.equal(contacts.size, 1);
});

test("what Meta adds tomorrow is kept and shown, never refused", async () => {
    const { person, ticket } = await met();
    assert.equal((await graph.receive({ from: person, type: "hologram", hologram: { size: 3 } })).status, 200);
    const { content } = await newest(ticket);
    assert.equal(content.kind, "event");
    assert.match(JSON.stringify(content), /hologram/);
    assert.equal((await graph.speaker().notice("brand_new_field", { anything: 1 })).status, 200);
});

test("an account that is banned takes its channels down, with what to do; other accounts' go on", async () => {
    const value = { event: "DISABLED_UPDATE", ban_info: { waba_ban_state: "DISABLE", waba_ban_date: "November 24, 2026" } };
    assert.equal((await graph.speaker(second, "/hooks/acme/wa-two").notice("account_update", value)).status, 200);
    const down = await until(async () => (await gateway.events()).find(({ type }) => type === "channel.down"), "the channel to be down");
    const channel = (down as Event).data.channel;
    assert.deepEqual([channel?.slug, channel?.health], ["wa-two", "down"]);
    assert.ok(channel?.remedy);
    const { person, ticket } = await met();
    await gateway.reaches(await gateway.reply(ticket.id, "still here"), "delivered");
    assert.equal(graph.to(person.wa_id).length, 1);
});
