// SPDX-License-Identifier: Apache-2.0
//
// The agent's desk: what the gateway's public API tells, and an answer through it.

import { find, follow, make, onSubmit, post, read, type Customer } from "./common.js";
import { choose, chosen, shownOnDesk } from "./phone.js";

interface Message {
    id: string; ticket_id: string; kind: string; number: number; from: string | null; to: string | null; text: string | null; status: string;
    external_id: string | null; created_at: string; error?: { title?: string; provider_code?: string } | null;
}
interface Told { number: number; type: string; data: { message?: Message } }

const arrived = find("arrived");
const rows = new Map<string, HTMLElement>();
/** By the customer's number: the ticket that an answer goes to. */
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

function newRow(message: Message, customer: Customer | undefined, number: string): HTMLElement {
    const row = make("li", message.kind, "");
    const head = make("div", "head", "");
    const time = make("time", "", new Date(message.created_at).toLocaleTimeString());
    time.setAttribute("datetime", message.created_at);
    const name = customer?.name ?? number;
    const who = make("span", "who", message.kind === "outgoing" ? `to ${name}` : name);
    head.append(who, make("span", "", `message ${message.number}`), time, make("span", "fate", ""));
    row.append(head, make("p", "", message.text ?? ""), newSettlement(message.id));
    if (customer) row.addEventListener("click", () => choose(customer.id));
    return row;
}

function show(message: Message, fresh: boolean): void {
    if (message.kind !== "incoming" && message.kind !== "outgoing") return;
    const number = (message.kind === "incoming" ? message.from : message.to)?.replace(/^tel:/, "") ?? "";
    let row = rows.get(message.id);
    if (!row) {
        row = newRow(message, customers.find((one) => one.number === number), number);
        if (fresh) row.classList.add("fresh");
        rows.set(message.id, row);
        tickets.set(number, message.ticket_id);
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

const numberOf = (id: string) => customers.find((one) => one.id === id)?.number ?? "";

/** Whom the answer goes to. */
export function offer(): void {
    const customer = customers.find((one) => one.id === chosen());
    const isReady = tickets.has(numberOf(chosen()));
    const answer = find<HTMLTextAreaElement>("answer");
    answer.disabled = !isReady;
    answer.placeholder = isReady ? `Answer ${customer?.name}` : `${customer?.name} has not written yet`;
    find<HTMLButtonElement>("answer-send").disabled = !isReady;
}

async function answer(words: string): Promise<void> {
    const ticket = tickets.get(numberOf(chosen()));
    if (ticket === undefined) return;
    const { status, json, why } = await post<Message>(`/v1/tickets/${ticket}/messages`, { text: words }, { "idempotency-key": crypto.randomUUID() });
    const refused = status !== 202 || !json?.id;
    find("refused").hidden = !refused;
    find("refused").textContent = refused ? `Not sent: ${why}.` : "";
    if (refused) find<HTMLTextAreaElement>("answer").value ||= words;
    else if (!rows.has(json.id)) show(json, true);
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
