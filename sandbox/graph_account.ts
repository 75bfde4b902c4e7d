// SPDX-License-Identifier: Apache-2.0
//
// What Meta knows of a business on WhatsApp: its numbers, messages, files and templates, and until when each customer may be written to freely;
// and how the Graph API writes it (developers.facebook.com/docs/whatsapp/cloud-api/reference). No I/O. Time is the sandbox's own, and can jump.

import { createHash, randomBytes } from "node:crypto";
import type { ErrorOf, Reply } from "./faults.js";
import { newWamid, type GraphNumber, type Json, type Person } from "./graph.js";

export interface GraphMedia {
    id: string;
    number: string;
    mime: string;
    bytes: Buffer;
    /** Hexadecimal. */
    sha256: string;
    name: string | undefined;
    /** What a customer sent lives 7 days, what we uploaded 30. */
    until: number;
    /** Where a GET of its URL is sent on to. */
    redirect?: string | undefined;
}

export interface GraphTemplate {
    id: string;
    name: string;
    language: string;
    status: "APPROVED" | "PENDING" | "REJECTED" | "PAUSED" | "DISABLED";
    category: "MARKETING" | "UTILITY" | "AUTHENTICATION";
    parameter_format: "POSITIONAL" | "NAMED";
    components: Json[];
}

/** One message, either way. body: what stands under its type, and all else, as it was sent. */
export interface GraphMessage {
    /** wamid.… */
    sid: string;
    incoming: boolean;
    /** phone_number_id */
    number: string;
    /** The customer: a wa_id, or a user_id where there is none; of a group its id. */
    customer: string;
    type: string;
    body: Json;
    /** outgoing: biz_opaque_callback_data */
    opaque: string | undefined;
    /** The truth about its fate, which the statuses tell. */
    status: string;
    errorCode: number | null;
    /** What the customer thinks of it, and what we think of theirs. */
    reaction: string | undefined;
    at: Date;
}

export const day = 24 * 3600 * 1000;
const fiveMinutes = 5 * 60 * 1000;

const errors: Record<number, [status: number, message: string]> = {
    1: [500, "An unknown error occurred"],
    2: [503, "Service temporarily unavailable"],
    3: [403, "Application does not have the capability to make this API call."],
    4: [429, "Application request limit reached"],
    10: [403, "Application does not have permission for this action"],
    33: [400, "Unsupported request: the object does not exist or cannot be loaded"],
    100: [400, "Invalid parameter"],
    190: [401, "Error validating access token: the session has expired"],
    368: [403, "Temporarily blocked for policies violations"],
    80007: [429, "Rate limit issues"],
    130429: [429, "Rate limit hit"],
    130472: [400, "User's number is part of an experiment"],
    130497: [403, "Business account is restricted from messaging users in this country"],
    131000: [500, "Something went wrong"],
    131005: [403, "Access denied"],
    131008: [400, "Required parameter is missing"],
    131009: [400, "Parameter value is not valid"],
    131016: [503, "Service unavailable"],
    131021: [400, "Recipient cannot be sender"],
    131026: [400, "Message undeliverable"],
    131030: [400, "Recipient phone number not in allowed list"],
    131031: [403, "Account has been locked"],
    131042: [402, "Business eligibility payment issue"],
    131047: [400, "Re-engagement message"],
    131048: [429, "Spam rate limit hit"],
    131049: [400, "This message was not delivered to maintain healthy ecosystem engagement"],
    131050: [400, "User has stopped receiving marketing messages from this business"],
    131051: [400, "Message type unknown"],
    131052: [400, "Media download error"],
    131053: [400, "Media upload error"],
    131056: [429, "Business account, consumer account pair rate limit hit"],
    131057: [503, "Account in maintenance mode"],
    131062: [400, "Business-scoped user id recipients are not supported for this message"],
    132000: [400, "Number of parameters does not match the expected number of params"],
    132001: [404, "Template name does not exist in the translation"],
    132005: [400, "Translated text too long"],
    132012: [400, "Parameter format does not match format in the created template"],
    132015: [400, "Template is paused"],
    132016: [400, "Template is disabled"],
    133010: [400, "The account is not registered"],
};
const plights = { wrong: 100, limit: 130429, broken: 131000 };

export const titleOf = (code: number): string => errors[code]?.[1] ?? "Unknown error";

/** {"error":{…}}, as every error of the API. */
export function graphError(what: Parameters<ErrorOf>[0], details?: string): Reply {
    const code = typeof what === "number" ? what : plights[what];
    const [status, message] = errors[code] ?? [400, "Unknown error"];
    return {
        status,
        body: {
            error: {
                message: `(#${code}) ${message}`, type: "OAuthException", code,
                error_data: { messaging_product: "whatsapp", details: details ?? message },
                fbtrace_id: randomBytes(8).toString("hex"),
            },
        },
    };
}

/** Digits that no other of its kind has. */
let ids = 7_000_000_000;
const newId = () => String(++ids);

export class GraphAccount {
    readonly numbers = new Map<string, GraphNumber & { quality: string; status: string; name: string }>();
    readonly media = new Map<string, GraphMedia>();
    readonly templates: GraphTemplate[] = [];
    /** All there are, oldest first. */
    readonly messages: GraphMessage[] = [];
    readonly #bySid = new Map<string, GraphMessage>();
    /** By number and customer: when the customer wrote last. */
    readonly #heard = new Map<string, number>();
    /** Customers' other name: wa_id by user_id. */
    readonly #known = new Map<string, string>();
    /** By the token in it: which file a URL is, until when. */
    readonly #urls = new Map<string, { media: string; until: number }>();
    #ahead = 0;

    /** The sandbox's clock. */
    now(): Date {
        return new Date(Date.now() + this.#ahead);
    }

    /** Everything is so much older. */
    jump(ms: number): void {
        this.#ahead += ms;
    }

    addNumber(number: GraphNumber, name = "Acme Ltd"): void {
        this.numbers.set(number.id, { ...number, quality: "GREEN", status: "CONNECTED", name });
    }

    find(sid: string): GraphMessage | undefined {
        return this.#bySid.get(sid);
    }

    /** A sid that is known gives the message that it has. */
    add(given: Pick<GraphMessage, "incoming" | "number" | "customer" | "type" | "body" | "status"> & Partial<GraphMessage>): GraphMessage {
        const message: GraphMessage = { sid: newWamid(), opaque: undefined, errorCode: null, reaction: undefined, at: this.now(), ...given };
        const known = this.#bySid.get(message.sid);
        if (known) return known;
        this.messages.push(message);
        this.#bySid.set(message.sid, message);
        return message;
    }

    // The window.

    /** What a customer is known as; what both names are, once they were seen together. */
    nameOf({ wa_id, user_id }: Person): string {
        if (wa_id !== undefined && user_id !== undefined) this.#known.set(user_id, wa_id);
        return wa_id ?? (user_id === undefined ? "" : (this.#known.get(user_id) ?? user_id));
    }

    hear(number: string, customer: string, at: Date): void {
        const line = `${number} ${customer}`;
        this.#heard.set(line, Math.max(this.#heard.get(line) ?? 0, at.getTime()));
    }

    isOpen(number: string, customer: string): boolean {
        return this.now().getTime() < (this.#heard.get(`${number} ${customer}`) ?? -Infinity) + day;
    }

    // Files.

    addMedia(given: Pick<GraphMedia, "number" | "mime" | "bytes"> & Partial<GraphMedia>, life: number): GraphMedia {
        const sha256 = createHash("sha256").update(given.bytes).digest("hex");
        const media: GraphMedia = { id: newId(), sha256, name: undefined, until: this.now().getTime() + life, ...given };
        this.media.set(media.id, media);
        return media;
    }

    mediaOf(id: unknown): GraphMedia | undefined {
        const media = this.media.get(String(id));
        return media && media.until > this.now().getTime() ? media : undefined;
    }

    /** The path and query of a URL that lives five minutes. */
    newPath(media: GraphMedia): string {
        const hash = randomBytes(12).toString("hex");
        const until = this.now().getTime() + fiveMinutes;
        this.#urls.set(hash, { media: media.id, until });
        return `/whatsapp_business/attachments/?mid=${media.id}&source=getMedia&ext=${Math.floor(until / 1000)}&hash=${hash}`;
    }

    /** The file of such a URL; undefined: it has died. */
    mediaAt(query: URLSearchParams): GraphMedia | undefined {
        const one = this.#urls.get(query.get("hash") ?? "");
        return one && one.media === query.get("mid") && one.until > this.now().getTime() ? this.mediaOf(one.media) : undefined;
    }

    mediaJson(media: GraphMedia, url: string): Json {
        return { messaging_product: "whatsapp", url, mime_type: media.mime, sha256: media.sha256, file_size: media.bytes.length, id: media.id };
    }

    // Templates.

    addTemplate(given: Pick<GraphTemplate, "name" | "components"> & Partial<GraphTemplate>): GraphTemplate {
        const named = /\{\{[a-z_]/.test(JSON.stringify(given.components));
        const template: GraphTemplate = { id: newId(), language: "en", status: "APPROVED", category: "UTILITY", parameter_format: named ? "NAMED" : "POSITIONAL", ...given };
        this.templates.push(template);
        return template;
    }

    /** A page goes on behind the cursor `after`, which is an id. */
    templatesJson(query: URLSearchParams, url: string): Json {
        const limit = Math.min(Math.max(Number(query.get("limit") ?? 25) || 25, 1), 1000);
        const after = query.get("after");
        const start = after ? this.templates.findIndex(({ id }) => Buffer.from(id).toString("base64") === after) + 1 : 0;
        const page = this.templates.slice(start, start + limit);
        const cursor = (one: GraphTemplate | undefined) => Buffer.from(one?.id ?? "").toString("base64");
        const next = new URLSearchParams(query);
        next.set("limit", String(limit));
        next.set("after", cursor(page.at(-1)));
        const isLast = start + limit >= this.templates.length;
        return {
            data: page.map((one) => ({ ...one })),
            ...(page.length ? { paging: { cursors: { before: cursor(page[0]), after: cursor(page.at(-1)) }, ...(isLast ? {} : { next: `${url}?${next}` }) } } : {}),
        };
    }

    /** Of a number, only what is asked for; the id always. */
    numberJson(id: string, query: URLSearchParams): Json | undefined {
        const number = this.numbers.get(id);
        if (!number) return undefined;
        const all: Json = {
            display_phone_number: `+${number.display}`, verified_name: number.name, quality_rating: number.quality, status: number.status, platform_type: "CLOUD_API",
            code_verification_status: "VERIFIED", throughput: { level: "STANDARD" }, name_status: "APPROVED", account_mode: "LIVE", messaging_limit_tier: "TIER_1K",
        };
        const fields = (query.get("fields") ?? "display_phone_number,verified_name,quality_rating").split(",");
        return { ...Object.fromEntries(fields.filter((name) => name in all).map((name) => [name, all[name]])), id };
    }
}
