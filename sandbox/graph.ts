// SPDX-License-Identifier: Apache-2.0
//
// Meta as a sender: WhatsApp webhooks, written and signed as Meta writes and signs them, and posted to the gateway. The page of the sandbox and
// the tests use the same code.
//
//     const meta = new GraphSandbox ({ appSecret: "…", verifyToken: "…", number: { id: "1065", display: "15550001111", waba: "1022" },
//                                      webhookUrl: "http://127.0.0.1:8080/hooks/acme/wa" });
//     const { status, id } = await meta.receive ({ from: { wa_id: "5511987650000", name: "Ana" }, text: "Olá" });
//     await meta.receive ({ from: "5511987650000", ...tap ("yes", "Yes") });
//
// What a message says has Meta's own members (developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples): type, and what
// stands under the type's name.

import { createHmac, randomBytes } from "node:crypto";
import type * as http from "node:http";
import { request, type Answer } from "./http.js";

/** A phone number of the business. display: its digits. waba: the account that it belongs to. */
export interface GraphNumber {
    id: string;
    display: string;
    waba: string;
}

/** A customer; any member may be missing, as for those who hide their number behind a username. A string is a wa_id. */
export interface Person {
    wa_id?: string;
    user_id?: string;
    name?: string;
    username?: string;
}

export type Json = Record<string, unknown>;

/** A message in Meta's shape, but for who and when. text: a string, or what Meta has there. type: default text. */
export interface Inbound {
    from: Person | string;
    type?: string;
    text?: string | Json;
    /** Default: a new one. The same one again is a redelivery. */
    id?: string;
    at?: Date;
    [member: string]: unknown;
}

/** What Meta says of a message that we sent. */
export interface GraphStatus {
    id: string;
    status: string;
    to: Person | string;
    at?: Date;
    /** biz_opaque_callback_data */
    opaque?: string | undefined;
    code?: number | undefined;
    title?: string;
    pricing?: Json;
    [member: string]: unknown;
}

/** What is wrong, or merely unusual, with a request. */
export interface GraphVariant {
    /** wrong: made with another secret. missing: no header. reserialized: over the same JSON written another way. body: the body was changed afterwards. */
    signature?: "wrong" | "missing" | "empty" | "upper" | "reserialized" | "body";
    headers?: http.OutgoingHttpHeaders;
    /** Milliseconds; default 15,000. */
    timeout?: number;
}

export interface GraphDelivery {
    /** 0: no answer came. */
    status: number;
    ms: number;
    /** Of the message, "" where the request carried none or many. */
    id: string;
    /** 2: the first try was not answered with 200, and was repeated once. Meta goes on for seven days. */
    attempts: number;
    body: string;
    headers: http.IncomingHttpHeaders;
}

export interface GraphOptions {
    appSecret: string;
    verifyToken: string;
    number: GraphNumber;
    webhookUrl: string;
    /** False: no second try. */
    retry?: boolean;
    agent?: http.Agent;
}

/** JSON as Meta's serialiser writes it: ASCII, and a few more characters escaped. */
export function metaJson(value: unknown): string {
    const unit = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return JSON.stringify(value)
        .replace(/[^\x20-\x7e]/g, unit)
        .replace(/\//g, "\\/")
        .replace(/</g, "\\u003C")
        .replace(/[%@]/g, unit);
}

/** The value of X-Hub-Signature-256. */
export function metaSignature(appSecret: string, body: string | Buffer): string {
    return `sha256=${createHmac("sha256", appSecret).update(body).digest("hex")}`;
}

export function newWamid(): string {
    return `wamid.${randomBytes(24).toString("base64").replace(/[+/=]/g, "A")}`;
}

export const personOf = (who: Person | string): Person => (typeof who === "string" ? { wa_id: who } : who);

const seconds = (at: Date) => String(Math.floor(at.getTime() / 1000));

// What customers may say besides text; to be spread into a message. `to`: the id of the message of ours that they answer.

const context = (number: GraphNumber | undefined, to: string | undefined): Json => (to === undefined ? {} : { context: { ...(number ? { from: number.display } : {}), id: to } });

/** A reply button. */
export const tap = (id: string, title: string, to?: string, number?: GraphNumber): Json => ({
    type: "interactive", interactive: { type: "button_reply", button_reply: { id, title } }, ...context(number, to),
});
/** A row of a list. */
export const pick = (id: string, title: string, to?: string, number?: GraphNumber): Json => ({
    type: "interactive", interactive: { type: "list_reply", list_reply: { id, title } }, ...context(number, to),
});
/** A button of a template. */
export const press = (payload: string, text: string, to?: string, number?: GraphNumber): Json => ({ type: "button", button: { payload, text }, ...context(number, to) });
/** An answered flow. */
export const fill = (data: Json, to?: string, number?: GraphNumber): Json => ({
    type: "interactive", interactive: { type: "nfm_reply", nfm_reply: { name: "flow", body: "Sent", response_json: JSON.stringify(data) } }, ...context(number, to),
});
/** null: takes the reaction back. */
export const react = (target: string, emoji: string | null): Json => ({ type: "reaction", reaction: { message_id: target, ...(emoji === null ? {} : { emoji }) } });
export const place = (latitude: number, longitude: number, more: Json = {}): Json => ({ type: "location", location: { latitude, longitude, ...more } });

/** wa_id and user_id as a message or an echo has them, with the names that Meta gives them there. */
function who(person: Person, wa: string, user: string): Json {
    return { ...(person.wa_id === undefined ? {} : { [wa]: person.wa_id }), ...(person.user_id === undefined ? {} : { [user]: person.user_id }) };
}

function messageJson({ from, at, id, type = "text", text, ...more }: Inbound): Json {
    const body = text === undefined ? {} : { text: typeof text === "string" ? { body: text } : text };
    return { ...who(personOf(from), "from", "from_user_id"), id: id ?? newWamid(), timestamp: seconds(at ?? new Date()), type, ...body, ...more };
}

function contactJson(person: Person): Json {
    const { name, username } = person;
    const profile = { ...(name === undefined ? {} : { name }), ...(username === undefined ? {} : { username }) };
    return { ...(name === undefined && username === undefined ? {} : { profile }), ...who(person, "wa_id", "user_id") };
}

function statusJson({ id, status, to, at, opaque, code, title, ...more }: GraphStatus): Json {
    const words = title ?? "Message failed";
    return {
        id, status, timestamp: seconds(at ?? new Date()), ...who(personOf(to), "recipient_id", "recipient_user_id"),
        ...(opaque === undefined ? {} : { biz_opaque_callback_data: opaque }),
        ...(code === undefined ? {} : { errors: [{ code, title: words, message: words, error_data: { details: words }, href: "/documentation/business-messaging/whatsapp/support/error-codes" }] }),
        ...more,
    };
}

export class GraphSandbox {
    constructor(readonly options: GraphOptions) {}

    /** Of the same app, for another of its numbers. */
    of(number: GraphNumber): GraphSandbox {
        return new GraphSandbox({ ...this.options, number });
    }

    /** Meta asks whether the URL is ours; right: the answer is the challenge. */
    verify(query: Record<string, string> = {}): Promise<Answer> {
        const asked = new URLSearchParams({ "hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": this.options.verifyToken, ...query });
        return request(`${this.options.webhookUrl}?${asked}`, { agent: this.options.agent });
    }

    /** A customer sends. */
    receive(message: Inbound, variant: GraphVariant = {}): Promise<GraphDelivery> {
        return this.receiveAll([message], variant);
    }

    /** Several messages, of as many customers, in one request. */
    receiveAll(messages: Inbound[], variant: GraphVariant = {}): Promise<GraphDelivery> {
        const change = this.messages(messages);
        const ids = ((change["value"] as Json)["messages"] as Json[]).map(({ id }) => String(id));
        return this.post(this.envelope([change]), variant, ids.length === 1 ? ids[0]! : "");
    }

    status(status: GraphStatus, variant: GraphVariant = {}): Promise<GraphDelivery> {
        return this.post(this.envelope([this.statuses([status])]), variant, status.id);
    }

    /** What is said of the number, its templates or its account. */
    notice(field: string, value: Json, variant: GraphVariant = {}): Promise<GraphDelivery> {
        return this.post(this.envelope([{ field, value }]), variant);
    }

    /** Somebody of the business writes on their own phone. */
    echo(to: Person | string, text: string, more: Json = {}): Promise<GraphDelivery> {
        const message = { from: this.options.number.display, ...who(personOf(to), "to", "to_user_id"), id: newWamid(), timestamp: seconds(new Date()), type: "text", text: { body: text }, ...more };
        return this.post(this.envelope([{ field: "smb_message_echoes", value: { ...this.#head(), message_echoes: [message] } }]), {}, String(message.id));
    }

    // Parts of a request, for those who write it themselves.

    messages(messages: Inbound[]): Json {
        // Each person once, and none for system messages, as Meta does.
        const people = new Map(messages.filter(({ type }) => type !== "system").map(({ from }) => [JSON.stringify(who(personOf(from), "a", "b")), contactJson(personOf(from))]));
        return { field: "messages", value: { ...this.#head(), ...(people.size ? { contacts: [...people.values()] } : {}), messages: messages.map(messageJson) } };
    }

    statuses(statuses: GraphStatus[]): Json {
        return { field: "messages", value: { ...this.#head(), statuses: statuses.map(statusJson) } };
    }

    envelope(changes: Json[], waba = this.options.number.waba): Json {
        return { object: "whatsapp_business_account", entry: [{ id: waba, changes }] };
    }

    #head(): Json {
        const { display, id } = this.options.number;
        return { messaging_product: "whatsapp", metadata: { display_phone_number: display, phone_number_id: id } };
    }

    /** body: a string is sent as it is, anything else as Meta writes JSON. */
    async post(body: string | Buffer | Json, variant: GraphVariant = {}, id = ""): Promise<GraphDelivery> {
        const call = this.compose(typeof body === "string" || Buffer.isBuffer(body) ? body : metaJson(body), variant);
        const started = performance.now();
        let answer: Answer | undefined;
        let attempts = 0;
        while (attempts < (this.options.retry === false ? 1 : 2)) {
            attempts++;
            answer = await request(this.options.webhookUrl, call).catch(() => undefined);
            if (answer?.status === 200 || answer?.status === 403) break;
        }
        return { status: answer?.status ?? 0, ms: performance.now() - started, id, attempts, body: answer?.body.toString() ?? "", headers: answer?.headers ?? {} };
    }

    /** The request as it will be sent; for those who send it themselves. */
    compose(body: string | Buffer, variant: GraphVariant = {}) {
        const headers: http.OutgoingHttpHeaders = { "content-type": "application/json", "user-agent": "facebookexternalua", accept: "*/*" };
        const signature = this.#signature(body, variant);
        if (signature !== undefined) headers["x-hub-signature-256"] = signature;
        return {
            method: "POST",
            body: variant.signature === "body" ? Buffer.concat([Buffer.from(body), Buffer.from(" ")]) : body,
            headers: { ...headers, ...variant.headers },
            agent: this.options.agent,
            timeout: variant.timeout ?? 15_000,
        };
    }

    #signature(body: string | Buffer, { signature }: GraphVariant): string | undefined {
        const { appSecret } = this.options;
        if (signature === "missing") return undefined;
        if (signature === "empty") return "";
        if (signature === "wrong") return metaSignature(`${appSecret}x`, body);
        if (signature === "upper") return metaSignature(appSecret, body).toUpperCase();
        if (signature === "reserialized") return metaSignature(appSecret, JSON.stringify(JSON.parse(body.toString())));
        return metaSignature(appSecret, body);
    }
}
