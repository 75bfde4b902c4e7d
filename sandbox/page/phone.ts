// SPDX-License-Identifier: Apache-2.0
//
// The customers' phones. Every time is measured in this page from the moment when "send" was pressed; the sid is made here, so that a
// message is recognised however soon its event comes.

import { find, make, ms, onSubmit, post, type Customer } from "./common.js";

/** As /live tells it. */
export interface OnPhone { sid: string; incoming: boolean; customer?: string; body: string; status: string; errorCode: number | null; files: number }
interface Sent { at: number; line: HTMLElement; acknowledged?: number; onScreen?: number }

const people = find("people");
const bubbles = find("bubbles");
const text = find<HTMLTextAreaElement>("text");
const lines = new Map<string, HTMLElement>();
const drafts = new Map<string, string>();
const sent = new Map<string, Sent>();
const fates: Record<string, string> = { accepted: "arrived", queued: "arrived", sent: "✓ sent", delivered: "✓✓ delivered", read: "✓✓ read" };

export const chosen = () => people.querySelector<HTMLInputElement>("input:checked")?.value ?? "";

export function choose(id: string): void {
    const radio = people.querySelector<HTMLInputElement>(`input[value="${id}"]`);
    if (!radio || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change"));
}

function newSid(): string {
    return "SM" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bubble(sid: string, customer: string, incoming: boolean, words: string): HTMLElement {
    const line = make("li", incoming ? "mine" : "theirs", "");
    line.dataset["customer"] = customer;
    line.hidden = customer !== chosen();
    line.append(make("p", "", words), make("small", "", incoming ? "sending…" : ""));
    lines.set(sid, line);
    bubbles.append(line);
    bubbles.scrollTop = bubbles.scrollHeight;
    return line;
}

/** A message of /live: new, or its fate another. */
export function onPhone(message: OnPhone): void {
    if (message.customer === undefined) return;
    const words = message.body + (message.files > 0 ? `${message.body ? "\n" : ""}📎 ${message.files === 1 ? "a file" : `${message.files} files`}` : "");
    const isNew = !lines.has(message.sid);
    const line = lines.get(message.sid) ?? bubble(message.sid, message.customer, message.incoming, words);
    if (message.incoming) {
        if (isNew) line.querySelector("small")!.textContent = "";
        return;
    }
    const failed = message.status === "failed" || message.status === "undelivered";
    line.className = failed ? "theirs failed" : `theirs ${message.status}`;
    line.querySelector("small")!.textContent = failed ? `not on the phone: ${message.errorCode ?? message.status}` : (fates[message.status] ?? message.status);
}

function tellTimes(one: Sent): void {
    const parts = [];
    if (one.acknowledged !== undefined) parts.push(`acknowledged ${ms(one.acknowledged)}`);
    if (one.onScreen !== undefined) parts.push(`on screen ${ms(one.onScreen)}`);
    one.line.querySelector("small")!.textContent = parts.join(" · ") || "sending…";
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

async function send(words: string): Promise<void> {
    const sid = newSid();
    const one: Sent = { at: performance.now(), line: bubble(sid, chosen(), true, words) };
    sent.set(sid, one);
    const { status, json, why } = await post<{ status?: number }>("/send", { customer: chosen(), text: words, sid });
    if (status === 200 && json?.status === 200) {
        one.acknowledged = performance.now() - one.at;
        return tellTimes(one);
    }
    one.line.classList.add("failed");
    const reason = status !== 200 ? why : json?.status ? `the gateway answered ${json.status}` : "the gateway does not answer";
    one.line.querySelector("small")!.textContent = `not delivered: ${reason}`;
}

/** changed: another phone was taken up. */
export function startPhones(customers: Customer[], changed: () => void): void {
    for (const customer of customers) {
        const label = document.createElement("label");
        const radio = document.createElement("input");
        Object.assign(radio, { type: "radio", name: "customer", value: customer.id, checked: customer === customers[0] });
        radio.addEventListener("change", () => {
            for (const line of bubbles.children) (line as HTMLElement).hidden = (line as HTMLElement).dataset["customer"] !== customer.id;
            bubbles.scrollTop = bubbles.scrollHeight;
            text.value = drafts.get(customer.id) ?? "";
            changed();
        });
        label.title = customer.number;
        label.append(radio, customer.name.split(" ")[0]!);
        people.append(label);
    }
    text.addEventListener("input", () => drafts.set(chosen(), text.value));
    onSubmit(find<HTMLFormElement>("form"), text, (words) => void send(words));
    text.focus();
}
