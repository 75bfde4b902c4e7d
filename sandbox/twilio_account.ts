// SPDX-License-Identifier: Apache-2.0
//
// What Twilio knows of an account: numbers, messages, who opted out; and how its REST API writes it (twilio.com/docs/messaging/api/
// message-resource, …/phone-numbers/api/incomingphonenumber-resource). No I/O.

import type { ErrorOf, Reply } from "./faults.js";
import { newSid } from "./twilio.js";

export interface File {
    sid: string;
    type: string;
    bytes: Buffer;
    /** Where a GET is sent on to; default: the sandbox's stand-in for the CDN. */
    redirect?: string;
}

/** What became of a MediaUrl: the provider fetched it. status 0: no answer. */
export interface Fetched {
    url: string;
    status: number;
    type: string;
    bytes: Buffer;
}

export interface Message {
    sid: string;
    direction: "inbound" | "outbound-api" | "outbound-reply";
    from: string;
    to: string;
    body: string;
    /** The truth about its fate, which the receipts tell. */
    status: string;
    errorCode: number | null;
    service: string | null;
    segments: number;
    /** outbound: what is sent instead of the body. */
    template: { sid: string; variables: Record<string, string> } | undefined;
    /** inbound: the files. */
    files: File[];
    /** outbound: the addresses of the files, as they were given. */
    mediaUrls: string[];
    /** outbound: what was found there, once the message is on its way. */
    fetched: Fetched[];
    statusCallback: string | undefined;
    at: Date;
}

export interface PhoneNumber {
    sid: string;
    number: string;
    /** Where what comes to it is posted to, as Twilio was told. */
    smsUrl: string;
    smsMethod: string;
}

const gsm = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const gsmTwice = new Set("\f^{}\\[~]|€");

/** SMS messages that a text makes. */
export function segments(text: string): number {
    const units = [...text];
    const isGsm = units.every((unit) => gsm.has(unit) || gsmTwice.has(unit));
    const size = isGsm ? units.reduce((sum, unit) => sum + (gsmTwice.has(unit) ? 2 : 1), 0) : text.length;
    const [single, each] = isGsm ? [160, 153] : [70, 67];
    return size <= single ? 1 : Math.ceil(size / each);
}

const errors: Record<number, [status: number, message: string]> = {
    20001: [400, "Invalid parameter"],
    20003: [401, "Authenticate"],
    20004: [405, "Method not allowed"],
    20404: [404, "The requested resource was not found"],
    20429: [429, "Too Many Requests"],
    20500: [500, "An internal server error has occurred"],
    21211: [400, "The 'To' number is not a valid phone number."],
    21408: [400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number."],
    21602: [400, "Message body is required."],
    21603: [400, "A 'From' phone number is required."],
    21604: [400, "A 'To' phone number is required."],
    21606: [400, "The 'From' phone number provided is not a valid, message-capable Twilio phone number for this account."],
    21609: [400, "The 'StatusCallback' URL is not a valid URL."],
    21610: [400, "Attempt to send to unsubscribed recipient"],
    21611: [429, "This 'From' number has exceeded the maximum number of queued messages"],
    21910: [400, "The 'From' and 'To' pair violates restrictions: both must be of the same channel"],
    21614: [400, "'To' number is not a valid mobile number"],
    21617: [400, "The concatenated message body exceeds the 1600 character limit"],
    21620: [400, "Invalid media URL(s)"],
    21623: [400, "Number of media files exceeds allowed limit."],
    21655: [400, "The ContentSid is Invalid"],
    21656: [400, "The Content Variables Parameter is invalid."],
    63016: [400, "Failed to send freeform message because you are outside the allowed window."],
};

const plights = { wrong: 20001, limit: 20429, broken: 20500 };

/** {"code", "message", "more_info", "status"}, as every error of the API. */
export function errorOf(what: Parameters<ErrorOf>[0]): Reply {
    const code = typeof what === "number" ? what : plights[what];
    const [status, message] = errors[code] ?? [400, "Bad request"];
    return {
        status,
        ...(status === 401 ? { headers: { "www-authenticate": 'Basic realm="Twilio API"' } } : {}),
        body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
    };
}

// Twilio's own words (twilio.com/docs/messaging/tutorials/advanced-opt-out).
const words = {
    STOP: ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"],
    START: ["START", "YES", "UNSTOP"],
    HELP: ["HELP", "INFO"],
} as const;
const replies = {
    STOP: "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
    START: "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    HELP: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
};
export type Word = keyof typeof words;

export function wordOf(text: string): Word | undefined {
    const said = text.trim().toUpperCase();
    return (Object.keys(words) as Word[]).find((word) => (words[word] as readonly string[]).includes(said));
}

const day = 24 * 3600 * 1000;

function isObject(text: string): boolean {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" && value !== null && !Array.isArray(value);
    } catch {
        return false;
    }
}

const time = (at: Date) => at.toUTCString().replace("GMT", "+0000");

export class Account {
    /** "suspended", "closed": what a probe finds. */
    status = "active";
    readonly numbers = new Map<string, PhoneNumber>();
    /** Messaging services: their numbers, of which the first sends. */
    readonly services = new Map<string, string[]>();
    /** All there are, oldest first. */
    readonly messages: Message[] = [];
    readonly #bySid = new Map<string, Message>();
    readonly #optedOut = new Set<string>();
    #ahead = 0;

    constructor(readonly sid: string) {}

    get path(): string {
        return `/2010-04-01/Accounts/${this.sid}`;
    }

    addNumber(number: string, smsUrl: string): PhoneNumber {
        const made = { sid: newSid("PN"), number, smsUrl, smsMethod: "POST" };
        this.numbers.set(number, made);
        return made;
    }

    find(sid: string): Message | undefined {
        return this.#bySid.get(sid);
    }

    /** A sid that is known gives the message that it has. */
    add(given: Pick<Message, "direction" | "from" | "to" | "body" | "status"> & Partial<Message>): Message {
        const message: Message = {
            sid: newSid(given.files?.length || given.mediaUrls?.length ? "MM" : "SM"),
            errorCode: null,
            service: null,
            segments: segments(given.body),
            template: undefined,
            files: [],
            mediaUrls: [],
            fetched: [],
            statusCallback: undefined,
            at: new Date(this.now()),
            ...given,
        };
        const known = this.#bySid.get(message.sid);
        if (known) return known;
        this.messages.push(message);
        this.#bySid.set(message.sid, message);
        return message;
    }

    /** WhatsApp: whether the customer wrote less than a day ago. */
    isOpen(number: string, customer: string): boolean {
        const last = this.messages.filter(({ direction, from, to }) => direction === "inbound" && from === customer && to === number).at(-1);
        return last !== undefined && this.now() < last.at.getTime() + day;
    }

    /** Everything is so many milliseconds older. */
    jump(ms: number): void {
        this.#ahead += ms;
    }

    now(): number {
        return Date.now() + this.#ahead;
    }

    isOptedOut(number: string, customer: string): boolean {
        return this.#optedOut.has(`${number} ${customer}`);
    }

    /** What Twilio makes of a word by itself: the text that it answers, if any. */
    heed(word: Word, number: string, customer: string): string | undefined {
        const line = `${number} ${customer}`;
        if (word === "STOP" && this.#optedOut.has(line)) return undefined;
        if (word === "STOP") this.#optedOut.add(line);
        if (word === "START" && !this.#optedOut.delete(line)) return undefined;
        return replies[word];
    }

    /** The number that would send; a code where the request is not one that Twilio takes. */
    check(form: URLSearchParams): { from: string } | { code: number } {
        const to = form.get("To");
        const service = form.get("MessagingServiceSid");
        const from = form.get("From") ?? (service ? this.services.get(service)?.[0] : undefined);
        const body = form.get("Body") ?? "";
        const callback = form.get("StatusCallback");
        if (!to) return { code: 21604 };
        if (!/^(\+|whatsapp:\+)[1-9]\d{7,14}$|^whatsapp:[A-Z]{2}\.\w+$/.test(to)) return { code: 21211 };
        if (!from) return { code: service ? 20404 : 21603 };
        if (!this.numbers.has(from)) return { code: 21606 };
        if (from.startsWith("whatsapp:") !== to.startsWith("whatsapp:")) return { code: 21910 };
        const content = form.get("ContentSid");
        if (content !== null && !/^HX[0-9a-f]{32}$/.test(content)) return { code: 21655 };
        if (!isObject(form.get("ContentVariables") ?? "{}")) return { code: 21656 };
        if (content === null && from.startsWith("whatsapp:") && !this.isOpen(from, to)) return { code: 63016 };
        if (from.startsWith("whatsapp:") && form.getAll("MediaUrl").length > 1) return { code: 21623 };
        if (body === "" && content === null && !form.has("MediaUrl")) return { code: 21602 };
        if ([...body].length > 1600) return { code: 21617 };
        if (form.getAll("MediaUrl").length > 10) return { code: 21623 };
        if (!form.getAll("MediaUrl").every((url) => /^https?:\/\//.test(url))) return { code: 21620 };
        if (callback !== null && !/^https?:\/\/[^/]+/.test(callback)) return { code: 21609 };
        return this.isOptedOut(from, to) ? { code: 21610 } : { from };
    }

    accountJson(): object {
        return { sid: this.sid, friendly_name: "Acme Ltd", status: this.status, type: "Full", owner_account_sid: this.sid, uri: `${this.path}.json` };
    }

    numberJson(one: PhoneNumber): object {
        return {
            sid: one.sid, account_sid: this.sid, friendly_name: one.number, phone_number: one.number, sms_url: one.smsUrl,
            sms_method: one.smsMethod, sms_fallback_url: "", sms_application_sid: "", status: "in-use",
            capabilities: { voice: true, sms: true, mms: true, fax: false }, uri: `${this.path}/IncomingPhoneNumbers/${one.sid}.json`,
        };
    }

    numbersJson(query: URLSearchParams): object {
        const wanted = query.get("PhoneNumber");
        const found = [...this.numbers.values()].filter(({ number }) => !wanted || number === wanted);
        return { incoming_phone_numbers: found.map((one) => this.numberJson(one)), page: 0, page_size: 50, next_page_uri: null };
    }

    messageJson(one: Message): object {
        const uri = `${this.path}/Messages/${one.sid}`;
        const isUnsent = one.status === "accepted";
        const at = time(one.at);
        return {
            sid: one.sid, account_sid: this.sid, api_version: "2010-04-01", messaging_service_sid: one.service,
            from: isUnsent ? null : one.from, to: one.to, body: one.body, direction: one.direction, status: one.status,
            num_segments: isUnsent ? "0" : String(one.segments), num_media: String(one.files.length + one.mediaUrls.length),
            error_code: one.errorCode, error_message: null, price: null, price_unit: "USD",
            date_created: at, date_updated: at, date_sent: one.status === "queued" || isUnsent ? null : at,
            uri: `${uri}.json`, subresource_uris: { media: `${uri}/Media.json` },
        };
    }

    fileJson(message: Message, file: File): object {
        return {
            sid: file.sid, account_sid: this.sid, parent_sid: message.sid, content_type: file.type,
            date_created: time(message.at), date_updated: time(message.at), uri: `${this.path}/Messages/${message.sid}/Media/${file.sid}.json`,
        };
    }

    filesJson(message: Message): object {
        return { media_list: message.files.map((file) => this.fileJson(message, file)), page: 0, page_size: 50, next_page_uri: null };
    }

    /** Newest first. A page goes on after the last message of the one before, whatever came meanwhile. */
    messagesJson(query: URLSearchParams): object {
        const size = Math.min(Math.max(Number(query.get("PageSize") ?? 50) || 50, 1), 1000);
        const found = this.messages.filter((one) => fits(one, query)).reverse();
        const token = query.get("PageToken")?.replace(/^PA/, "");
        const start = token ? found.findIndex(({ sid }) => sid === token) + 1 : 0;
        const page = found.slice(start, start + size);
        const number = Number(query.get("Page") ?? 0);
        const next = new URLSearchParams(query);
        next.set("PageSize", String(size));
        next.set("Page", String(number + 1));
        next.set("PageToken", `PA${page.at(-1)?.sid}`);
        return {
            messages: page.map((one) => this.messageJson(one)), page: number, page_size: size, uri: `${this.path}/Messages.json`,
            next_page_uri: start + size < found.length ? `${this.path}/Messages.json?${next}` : null,
        };
    }
}

/** To, From, and DateSent, DateSent>, DateSent<: "2026-11-24" or "2026-11-24T10:00:00Z"; times have whole seconds. */
function fits(one: Message, query: URLSearchParams): boolean {
    const second = (at: number) => Math.floor(at / 1000);
    const bound = (name: string) => {
        const value = query.get(name);
        return value ? { from: second(Date.parse(value)), to: second(Date.parse(value)) + (value.length === 10 ? 86_399 : 0) } : undefined;
    };
    const sent = second(one.at.getTime());
    const [on, after, before] = [bound("DateSent"), bound("DateSent>"), bound("DateSent<")];
    return (
        (!query.has("To") || query.get("To") === one.to) &&
        (!query.has("From") || query.get("From") === one.from) &&
        (!on || (sent >= on.from && sent <= on.to)) &&
        (!after || sent >= after.from) &&
        (!before || sent <= before.to)
    );
}
