// SPDX-License-Identifier: Apache-2.0
//
// The customers' phones. Every time is measured in this page from the moment when "send" was pressed; the sid is made here, so that a
// message is recognised however soon its event comes.

import { fill, showReaction, type Hands, type OnPhone } from "./bubble.js";
import { find, make, ms, onSubmit, post, type Customer } from "./common.js";

export type { OnPhone };
interface Sent { at: number; line: HTMLElement; acknowledged?: number; onScreen?: number }

const people = find("people");
const bubbles = find("bubbles");
const text = find<HTMLTextAreaElement>("text");
const lines = new Map<string, HTMLElement>();
const drafts = new Map<string, string>();
const sent = new Map<string, Sent>();
const fates: Record<string, string> = { accepted: "arrived", queued: "arrived", sent: "✓ sent", delivered: "✓✓ delivered", read: "✓✓ read" };
let customers: Customer[] = [];

export const chosen = () => people.querySelector<HTMLInputElement>("input:checked")?.value ?? "";
const customer = () => customers.find(({ id }) => id === chosen());

export function choose(id: string): void {
    const radio = people.querySelector<HTMLInputElement>(`input[value="${id}"]`);
    if (!radio || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change"));
}

function newSid(): string {
    const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return customer()?.service === "whatsapp" ? `wamid.${hex}` : `SM${hex}`;
}

const hands: Hands = {
    tap: ({ sid }, { kind, id, title }) => void send({ tap: { kind, id, title }, to: sid }, title),
    react: ({ sid }, emoji) => void post("/send", { customer: chosen(), sid: newSid(), react: emoji, to: sid }),
    quoted: (sid) => lines.get(sid)?.querySelector("p")?.innerText ?? "",
};

function newLine(message: OnPhone, id: string): HTMLElement {
    const line = make("li", message.incoming ? "mine" : "theirs", "");
    line.dataset["customer"] = id;
    line.hidden = id !== chosen();
    fill(line, message, hands);
    line.append(make("small", "", message.incoming ? "sending…" : ""));
    lines.set(message.sid, line);
    bubbles.append(line);
    bubbles.scrollTop = bubbles.scrollHeight;
    return line;
}

/** What was said here comes back with all that it has: it takes the place of the words. */
function refill(line: HTMLElement, message: OnPhone): void {
    if (message.service !== "whatsapp" || line.querySelector(".reaction")) return;
    const fate = line.querySelector("small")!;
    line.replaceChildren();
    fill(line, message, hands);
    line.append(fate);
    bubbles.scrollTop = bubbles.scrollHeight;
}

/** A message of /live: new, or its fate another. */
export function onPhone(message: OnPhone): void {
    if (message.customer === undefined) return;
    const known = lines.get(message.sid);
    const line = known ?? newLine(message, message.customer);
    if (known) refill(line, message);
    showReaction(line, message);
    if (message.incoming) {
        if (!known) line.querySelector(":scope > small")!.textContent = "";
        return;
    }
    const failed = message.status === "failed" || message.status === "undelivered";
    line.className = failed ? "theirs failed" : `theirs ${message.status}`;
    line.querySelector(":scope > small")!.textContent = failed ? `not on the phone: ${message.errorCode ?? message.status}` : (fates[message.status] ?? message.status);
    if (line === bubbles.lastElementChild) bubbles.scrollTop = bubbles.scrollHeight;
}

function tellTimes(one: Sent): void {
    const parts = [];
    if (one.acknowledged !== undefined) parts.push(`acknowledged ${ms(one.acknowledged)}`);
    if (one.onScreen !== undefined) parts.push(`on screen ${ms(one.onScreen)}`);
    one.line.querySelector(":scope > small")!.textContent = parts.join(" · ") || "sending…";
    if (one.acknowledged !== undefined) find("acknowledged").textContent = ms(one.acknowledged);
    if (one.onScreen !== undefined) find("on-screen").textContent = ms(one.onScreen);
}

/** The desk has drawn it: how long that took, where this page had sent it. */
export function shownOnDesk(sid: string | null): string {
    const one = sid ? sent.get(sid) : undefined;
    if (!one) return "";
    one.onScreen ??= performance.now() - one.at;
    tellTimes(one);
    return ms(one.onScreen);
}

/** said: as POST /send takes it. words: what is seen until it comes back. */
async function send(said: object, words: string): Promise<void> {
    const sid = newSid();
    const shown: OnPhone = { sid, incoming: true, customer: chosen(), service: "sms", body: words, status: "", errorCode: null, files: 0 };
    const one: Sent = { at: performance.now(), line: newLine(shown, chosen()) };
    sent.set(sid, one);
    const { status, json, why } = await post<{ status?: number }>("/send", { customer: chosen(), sid, ...said });
    if (status === 200 && json?.status === 200) {
        one.acknowledged = performance.now() - one.at;
        return tellTimes(one);
    }
    one.line.classList.add("failed");
    const reason = status !== 200 ? why : json?.status ? `the gateway answered ${json.status}` : "the gateway does not answer";
    one.line.querySelector(":scope > small")!.textContent = `not delivered: ${reason}`;
}

function takeUp(one: Customer, changed: (customer: Customer) => void): void {
    for (const line of bubbles.children) (line as HTMLElement).hidden = (line as HTMLElement).dataset["customer"] !== one.id;
    bubbles.scrollTop = bubbles.scrollHeight;
    bubbles.dataset["service"] = one.service;
    find("by").textContent = one.service === "whatsapp" ? "WhatsApp to" : "SMS to";
    find("more").hidden = one.service !== "whatsapp";
    text.maxLength = one.service === "whatsapp" ? 4096 : 1600;
    text.placeholder = one.service === "whatsapp" ? "WhatsApp message" : "Text message";
    text.value = drafts.get(one.id) ?? "";
    changed(one);
}

/** changed: another phone was taken up; the first one at once. */
export function startPhones(given: Customer[], changed: (customer: Customer) => void): void {
    customers = given;
    for (const one of customers) {
        const label = document.createElement("label");
        const radio = document.createElement("input");
        Object.assign(radio, { type: "radio", name: "customer", value: one.id, checked: one === customers[0] });
        radio.addEventListener("change", () => takeUp(one, changed));
        label.title = `${one.service === "whatsapp" ? "WhatsApp" : "SMS"} ${one.number}`;
        label.dataset["service"] = one.service;
        label.append(radio, one.name.split(" ")[0]!);
        people.append(label);
    }
    text.addEventListener("input", () => drafts.set(chosen(), text.value));
    onSubmit(find<HTMLFormElement>("form"), text, (words) => void send({ text: words }, words));
    find("photo").addEventListener("click", () => void send({ photo: true }, "A photo"));
    find("place").addEventListener("click", () => void send({ place: true }, "A place"));
    takeUp(customers[0]!, changed);
    text.focus();
}
