// SPDX-License-Identifier: Apache-2.0
//
// The customers whose phones the page shows, and what of a message it is told: the same for SMS and WhatsApp, so that it need not know Meta's JSON.

import type { Json } from "./graph.js";
import type { GraphAccount, GraphMessage } from "./graph_account.js";
import type { Message } from "./twilio_account.js";

export type Service = "sms" | "whatsapp";

export interface Customer {
    id: string;
    name: string;
    /** As the provider names them: +15551230001, 15551230004 on WhatsApp. */
    number: string;
    /** As the gateway does. */
    address: string;
    service: Service;
}

const sms = (id: string, name: string, number: string): Customer => ({ id, name, number, address: `tel:${number}`, service: "sms" });
const whatsapp = (id: string, name: string, number: string): Customer => ({ id, name, number, address: `whatsapp:${number}`, service: "whatsapp" });

export const customers: readonly [Customer, Customer, Customer, Customer, Customer] = [
    sms("ana", "Ana Ruiz", "+15551230001"),
    sms("ben", "Ben Osei", "+15551230002"),
    sms("chiara", "Chiara Neri", "+15551230003"),
    whatsapp("dora", "Dora Lind", "15551230004"),
    whatsapp("emil", "Emil Sato", "15551230005"),
];

/** Something to tap. list: a row of a list, which a button opens; press: a button of a template; link: leads away. */
export interface Tap {
    kind: "button" | "list" | "press" | "link";
    id: string;
    title: string;
    description?: string;
}

export interface OnPhone {
    sid: string;
    incoming: boolean;
    customer: string | undefined;
    service: Service;
    body: string;
    status: string;
    errorCode: number | null;
    /** Files that are only counted. */
    files: number;
    at: Date;
    media?: { id: string; kind: string; name?: string } | undefined;
    place?: { lat: number; lon: number } | undefined;
    taps?: Tap[];
    /** What opens the list. */
    label?: string | undefined;
    footer?: string | undefined;
    reaction?: string | undefined;
    /** The message that it answers. */
    quotes?: string | undefined;
}

export function smsOnPhone({ sid, direction, from, to, body, status, errorCode, mediaUrls, at }: Message): OnPhone {
    const incoming = direction === "inbound";
    const customer = customers.find(({ number }) => number === (incoming ? from : to))?.id;
    return { sid, incoming, customer, service: "sms", body, status, errorCode, files: mediaUrls.length, at };
}

const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const words = (value: unknown): string => (typeof value === "string" ? value : "");

/** undefined: a reaction, which is seen at what it is about. */
export function graphOnPhone(account: GraphAccount, message: GraphMessage): OnPhone | undefined {
    const { sid, incoming, customer, type, body, status, errorCode, at, reaction } = message;
    if (type === "reaction") return undefined;
    return {
        sid, incoming, customer: customers.find(({ number }) => number === customer)?.id, service: "whatsapp", body: "", status, errorCode, files: 0, at, reaction,
        quotes: words(object(body["context"])["message_id"] ?? object(body["context"])["id"]) || undefined,
        ...shown(account, type, object(body[type]), body),
    };
}

const mediaKinds = ["image", "audio", "video", "sticker", "document"];

function shown(account: GraphAccount, type: string, said: Json, body: Json): Partial<OnPhone> {
    if (mediaKinds.includes(type)) return { body: words(said["caption"]), media: { id: words(said["id"]), kind: type, ...(said["filename"] ? { name: words(said["filename"]) } : {}) } };
    if (type === "text") return { body: words(body["text"]) || words(said["body"]) };
    if (type === "location") return { body: [said["name"], said["address"]].filter(Boolean).join(", "), place: { lat: Number(said["latitude"]), lon: Number(said["longitude"]) } };
    if (type === "contacts") return { body: (body["contacts"] as Json[]).map((card) => `👤 ${words(object(card["name"])["formatted_name"])}`).join("\n") };
    if (type === "interactive") return interactive(said);
    if (type === "button") return { body: words(said["text"]) };
    if (type === "template") return template(account, said);
    return { body: `[${type}]` };
}

function interactive(said: Json): Partial<OnPhone> {
    const reply = object(said["button_reply"] ?? said["list_reply"]);
    if (reply["title"] !== undefined) return { body: words(reply["title"]) };
    const action = object(said["action"]);
    const head = object(said["header"]);
    const kind = words(head["type"]);
    const media = mediaKinds.includes(kind) ? { media: { id: words(object(head[kind])["id"]), kind } } : {};
    const common = { body: [words(head["text"]), words(object(said["body"])["text"])].filter(Boolean).join("\n"), footer: words(object(said["footer"])["text"]) || undefined, ...media };
    if (said["type"] === "button") return { ...common, taps: (action["buttons"] as Json[]).map(({ reply }): Tap => tapOf("button", object(reply))) };
    if (said["type"] === "list") return { ...common, label: words(action["button"]), taps: (action["sections"] as Json[]).flatMap(({ rows }) => (rows as Json[]).map((row) => tapOf("list", row))) };
    const { display_text, flow_cta, url } = object(action["parameters"]);
    return { ...common, taps: [{ kind: "link", id: words(url), title: words(display_text) || words(flow_cta) || words(said["type"]) }] };
}

const tapOf = (kind: Tap["kind"], { id, title, description }: Json): Tap => ({ kind, id: words(id), title: words(title), ...(description ? { description: words(description) } : {}) });

function template(account: GraphAccount, said: Json): Partial<OnPhone> {
    const found = account.templates.find(({ name, language }) => name === said["name"] && language === object(said["language"])["code"]);
    const part = (type: string) => object(found?.components.find((one) => String(one["type"]).toLowerCase() === type));
    const given = ((said["components"] ?? []) as Json[]).find((one) => String(one["type"]).toLowerCase() === "body");
    const params = (given?.["parameters"] ?? []) as Json[];
    const value = (name: string) => words((params.find((one) => one["parameter_name"] === name) ?? params[Number(name) - 1])?.["text"]) || `{{${name}}}`;
    const buttons = (part("buttons")["buttons"] ?? []) as Json[];
    return {
        body: words(part("body")["text"]).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => value(name)), footer: words(part("footer")["text"]) || undefined,
        taps: buttons.map((one): Tap => ({ kind: one["type"] === "QUICK_REPLY" ? "press" : "link", id: words(one["text"]), title: words(one["text"]) })),
    };
}
