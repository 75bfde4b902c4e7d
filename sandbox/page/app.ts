// SPDX-License-Identifier: Apache-2.0
//
// The page: a phone that sends, and beside it what the gateway's public API tells. Every time is measured in this page from the moment
// when "send" was pressed. The sid is made here, so that a message is recognised however soon its event comes.

import { SseParser } from "../sse.js";

interface Customer { id: string; name: string; number: string }
interface Message { id: string; ticket_id: string; kind: string; number: number; from: string | null; text: string | null; external_id: string | null; created_at: string }
interface Told { number: number; type: string; data: { message?: Message } }
interface Sent { at: number; line: HTMLElement; acknowledged?: number; onScreen?: number }

function find<T extends HTMLElement>(id: string): T {
    return document.getElementById(id) as T;
}
const people = find("people");
const bubbles = find("bubbles");
const arrived = find("arrived");
const form = find<HTMLFormElement>("form");
const text = find<HTMLTextAreaElement>("text");

let customers: Customer[] = [];
const drafts = new Map<string, string>();
const sent = new Map<string, Sent>();
const shown = new Set<string>();
const rowsMax = 200;

function make(tag: string, className: string, words: string): HTMLElement {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = words;
    return made;
}
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const chosen = () => people.querySelector<HTMLInputElement>("input:checked")?.value ?? "";

function newSid(): string {
    return "SM" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function tellTimes(one: Sent): void {
    const parts = [];
    if (one.acknowledged !== undefined) parts.push(`acknowledged ${ms(one.acknowledged)}`);
    if (one.onScreen !== undefined) parts.push(`on screen ${ms(one.onScreen)}`);
    one.line.querySelector("small")!.textContent = parts.join(" · ") || "sending…";
    if (one.acknowledged !== undefined) find("acknowledged").textContent = ms(one.acknowledged);
    if (one.onScreen !== undefined) find("on-screen").textContent = ms(one.onScreen);
}

async function send(words: string): Promise<void> {
    const sid = newSid();
    const customer = chosen();
    const line = document.createElement("li");
    line.dataset["customer"] = customer;
    line.append(make("p", "", words), make("small", "", "sending…"));
    bubbles.append(line);
    bubbles.scrollTop = bubbles.scrollHeight;
    const one: Sent = { at: performance.now(), line };
    sent.set(sid, one);
    let why = "";
    try {
        const answer = await fetch("/send", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ customer, text: words, sid }) });
        const body = (await answer.json()) as { status?: number; error?: string };
        if (body.status !== 200) why = body.error ?? (body.status ? `the gateway answered ${body.status}` : "the gateway does not answer");
    } catch {
        why = "the sandbox does not answer";
    }
    if (why) {
        line.className = "failed";
        line.querySelector("small")!.textContent = `not delivered: ${why}`;
    } else {
        one.acknowledged = performance.now() - one.at;
        tellTimes(one);
    }
}

/** After the browser has drawn; in a hidden tab, which draws nothing, at once. */
function afterPaint(then: () => void): void {
    if (document.hidden) then();
    else requestAnimationFrame(then);
}

function show(message: Message, fresh: boolean): void {
    if (shown.has(message.id) || message.kind !== "incoming") return;
    shown.add(message.id);
    const number = (message.from ?? "").replace(/^tel:/, "");
    const row = document.createElement("li");
    const head = make("div", "head", "");
    const time = make("time", "", new Date(message.created_at).toLocaleTimeString());
    time.setAttribute("datetime", message.created_at);
    const took = make("span", "ms", "");
    head.append(make("span", "who", customers.find((one) => one.number === number)?.name ?? number), make("span", "", `message ${message.number}`), time, took);
    row.append(head, make("p", "", message.text ?? ""));
    if (fresh) row.className = "fresh";
    arrived.prepend(row);
    while (arrived.children.length > rowsMax) arrived.lastElementChild!.remove();
    find("empty").hidden = true;
    find("count").textContent = String(shown.size);
    const one = message.external_id ? sent.get(message.external_id) : undefined;
    if (!one) return;
    afterPaint(() => {
        one.onScreen = performance.now() - one.at;
        took.textContent = ms(one.onScreen);
        tellTimes(one);
    });
}

async function read<T>(path: string): Promise<T> {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as T;
}

/** What is there already; the number of the event from which to listen on, so that nothing falls between. */
async function catchUp(): Promise<number> {
    const tickets = await read<{ data: { id: string }[]; at: number }>("/v1/tickets?limit=10");
    const lists = await Promise.all(tickets.data.map(({ id }) => read<{ data: Message[] }>(`/v1/tickets/${id}/messages?order=desc&limit=20`)));
    const all = lists.flatMap((list) => list.data).sort((a, b) => a.created_at.localeCompare(b.created_at));
    for (const message of all) show(message, false);
    return tickets.at;
}

function link(state: "live" | "lost", words: string): void {
    const line = find("link");
    if (line.dataset["state"] === state) return;
    line.dataset["state"] = state;
    line.querySelector("span")!.textContent = words;
}

/** Follows the stream until it ends; the number to resume after, or undefined where it must be started anew. */
async function follow(after: number): Promise<number | undefined> {
    let last: number | undefined = after;
    const answer = await fetch(`/v1/events?after=${after}`, { headers: { accept: "text/event-stream" } });
    if (!answer.ok || !answer.body) throw new Error(`events: ${answer.status}`);
    link("live", "live");
    const parser = new SseParser((event) => {
        if (event.event === "reset") {
            last = undefined;
            return;
        }
        const told = JSON.parse(event.data) as Told;
        last = told.number;
        if (told.type === "message.received" && told.data.message) show(told.data.message, true);
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
        const { value, done } = await reader.read();
        if (done || last === undefined) return last;
        parser.push(value);
    }
}

async function listen(): Promise<never> {
    let after: number | undefined;
    for (;;) {
        try {
            after ??= await catchUp();
            after = await follow(after);
        } catch {
            // Told below, and tried again.
        }
        link("lost", "the gateway does not answer; trying again");
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
}

function choose(id: string): void {
    for (const line of bubbles.children) (line as HTMLElement).hidden = (line as HTMLElement).dataset["customer"] !== id;
    bubbles.scrollTop = bubbles.scrollHeight;
    text.value = drafts.get(id) ?? "";
}

function offer(customer: Customer, isFirst: boolean): void {
    const label = document.createElement("label");
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "customer", value: customer.id, checked: isFirst });
    radio.addEventListener("change", () => choose(customer.id));
    label.title = customer.number;
    label.append(radio, customer.name.split(" ")[0]!);
    people.append(label);
}

const state = await read<{ customers: Customer[]; number: string }>("/state");
customers = state.customers;
find("number").textContent = state.number;
customers.forEach((customer, i) => offer(customer, i === 0));

text.addEventListener("input", () => drafts.set(chosen(), text.value));
text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
});
form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value;
    if (words.trim() === "") return;
    text.value = "";
    drafts.delete(chosen());
    void send(words);
    text.focus();
});
text.focus();
void listen();
