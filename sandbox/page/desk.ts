// SPDX-License-Identifier: Apache-2.0
//
// The agent's desk: what the gateway's public API tells, and an answer through it.

import { find, follow, make, onSubmit, post, read, type Customer } from "./common.js";
import { choose, chosen, shownOnDesk } from "./phone.js";

interface Message {
    id: string; ticket_id: string; kind: string; number: number; from: string | null; to: string | null; text: string | null; status: string;
    external_id: string | null; created_at: string; content?: { kind: string; selected?: { source: string } }; attachments?: unknown[]; error?: { title?: string; provider_code?: string } | null;
}
interface Told { number: number; type: string; data: { message?: Message } }

const arrived = find("arrived");
const rows = new Map<string, HTMLElement>();
/** By the customer's address: the ticket that an answer goes to. */
const tickets = new Map<string, string>();
const rowsMax = 200;
/** Where it is not the status itself. */
const fates: Record<string, string> = { uncertain: "sent or not, nobody knows", sent: "✓ sent", delivered: "✓✓ delivered", read: "✓✓ read" };
/** What a hand may make of an uncertain message. */
const settlements = [["sent", "It was sent"], ["failed", "It was not"], ["retry", "Send it again"]] as const;
let customers: Customer[] = [];

/** After the browser has drawn; in a hidden tab, which draws nothing, at once. */
function afterPaint(then: () => void): void {
    if (document.hidden) then();
    else requestAnimationFrame(then);
}

/** Afterwards the stream tells what became of it. */
async function settle(id: string, as: string): Promise<void> {
    const { status, why } = await post(`/v1/messages/${id}/settle`, { as }, { "idempotency-key": crypto.randomUUID() });
    find("refused").hidden = status === 200;
    find("refused").textContent = status === 200 ? "" : `Not settled: ${why}.`;
}

function newSettlement(id: string): HTMLElement {
    const choice = make("div", "settle", "");
    choice.hidden = true;
    for (const [as, words] of settlements) {
        const button = make("button", "", words);
        button.addEventListener("click", () => void settle(id, as));
        choice.append(button);
    }
    return choice;
}

/** What an answer says: lines that begin with a dash are choices. */
function contentOf(words: string): object {
    const lines = words.split("\n");
    const options = lines.filter((line) => /^- *\S/.test(line)).map((line) => ({ title: line.replace(/^- */, "") }));
    const text = lines.filter((line) => !/^- *\S/.test(line)).join("\n").trim();
    return options.length && text ? { content: { kind: "choice", text, options } } : { text: words };
}

/** What is to be seen of a message but its words. */
function notes({ content, attachments }: Message): string {
    const files = attachments?.length ? attachments.length === 1 ? "a file" : `${attachments.length} files` : "";
    return [content && content.kind !== "text" ? content.kind : "", content?.selected ? `selected by ${content.selected.source}` : "", files].filter(Boolean).join(" · ");
}

function newRow(message: Message, customer: Customer | undefined, number: string): HTMLElement {
    const row = make("li", message.kind, "");
    const head = make("div", "head", "");
    const time = make("time", "", new Date(message.created_at).toLocaleTimeString());
    time.setAttribute("datetime", message.created_at);
    const name = customer?.name ?? number;
    const who = make("span", "who", message.kind === "outgoing" ? `to ${name}` : name);
    const about = [`message ${message.number}`, notes(message)].filter(Boolean).join(" · ");
    head.append(who, make("span", "", about), time, make("span", "fate", ""));
    row.append(head, make("p", "", message.text ?? ""), newSettlement(message.id));
    if (customer) row.addEventListener("click", () => choose(customer.id));
    return row;
}

function show(message: Message, fresh: boolean): void {
    if (message.kind !== "incoming" && message.kind !== "outgoing") return;
    const address = (message.kind === "incoming" ? message.from : message.to) ?? "";
    let row = rows.get(message.id);
    if (!row) {
        row = newRow(message, customers.find((one) => one.address === address), address);
        if (fresh) row.classList.add("fresh");
        rows.set(message.id, row);
        tickets.set(address, message.ticket_id);
        const follows = arrived.scrollHeight - arrived.scrollTop - arrived.clientHeight < 60;
        arrived.append(row);
        while (arrived.children.length > rowsMax) arrived.firstElementChild!.remove();
        if (follows || message.kind === "outgoing") arrived.scrollTop = arrived.scrollHeight;
        find("empty").hidden = true;
        find("count").textContent = String(rows.size);
        offer();
    }
    const fate = row.querySelector<HTMLElement>(".fate")!;
    if (message.kind === "incoming") {
        afterPaint(() => (fate.textContent ||= shownOnDesk(message.external_id)));
        return;
    }
    row.querySelector<HTMLElement>(".settle")!.hidden = message.status !== "uncertain";
    const why = message.error?.title ?? message.error?.provider_code;
    fate.dataset["status"] = message.status;
    fate.textContent = (fates[message.status] ?? message.status) + (why ? `: ${why}` : "");
}

const ticketOf = (id: string) => tickets.get(customers.find((one) => one.id === id)?.address ?? "");

/** Whom the answer goes to. */
export function offer(): void {
    const customer = customers.find((one) => one.id === chosen());
    const isReady = ticketOf(chosen()) !== undefined;
    const answer = find<HTMLTextAreaElement>("answer");
    answer.disabled = !isReady;
    answer.placeholder = isReady ? `Answer ${customer?.name}` : `${customer?.name} has not written yet`;
    find<HTMLButtonElement>("answer-send").disabled = !isReady;
    find("template").hidden = !isReady || customer?.service !== "whatsapp";
}

/** Whether it was taken; else the page says why not. */
async function say(ticket: string, body: object): Promise<boolean> {
    const { status, json, why } = await post<Message>(`/v1/tickets/${ticket}/messages`, body, { "idempotency-key": crypto.randomUUID() });
    const isTaken = status === 202 && json?.id !== undefined;
    find("refused").hidden = isTaken;
    find("refused").textContent = isTaken ? "" : `Not sent: ${why}.`;
    if (isTaken && !rows.has(json.id)) show(json, true);
    return isTaken;
}

async function answer(words: string): Promise<void> {
    const ticket = ticketOf(chosen());
    if (ticket !== undefined && !(await say(ticket, contentOf(words)))) find<HTMLTextAreaElement>("answer").value ||= words;
}

/** What goes at any time, whenever the customer wrote last. */
async function template(): Promise<void> {
    const ticket = ticketOf(chosen());
    const name = customers.find(({ id }) => id === chosen())?.name.split(" ")[0];
    if (ticket !== undefined) await say(ticket, { content: { kind: "template", name: "order_ready", lang: "en", params: [name, "17"] } });
}

/** What is there already; the number of the event from which to listen on, so that nothing falls between. */
async function catchUp(): Promise<number> {
    const list = await read<{ data: { id: string }[]; at: number }>("/v1/tickets?limit=10");
    const pages = await Promise.all(list.data.map(({ id }) => read<{ data: Message[] }>(`/v1/tickets/${id}/messages?order=desc&limit=20`)));
    const all = pages.flatMap((page) => page.data).sort((a, b) => a.created_at.localeCompare(b.created_at));
    for (const message of all) show(message, false);
    return list.at;
}

/** Follows the account's events for good. */
export async function startDesk(given: Customer[], link: (state: "live" | "lost", words: string) => void): Promise<never> {
    customers = given;
    onSubmit(find<HTMLFormElement>("answer-form"), find<HTMLTextAreaElement>("answer"), (words) => void answer(words));
    find("template").addEventListener("click", () => void template());
    offer();
    let after: number | undefined;
    for (;;) {
        try {
            after ??= await catchUp();
            await follow(`/v1/events?after=${after}`, ({ event, data }) => {
                if (event === "reset") {
                    after = undefined;
                    return false;
                }
                const told = JSON.parse(data) as Told;
                after = told.number;
                if (told.type.startsWith("message.") && told.data.message) show(told.data.message, true);
                return true;
            }, () => link("live", "live"));
        } catch {
            // Told below, and tried again.
        }
        link("lost", "the gateway does not answer; trying again");
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
}
