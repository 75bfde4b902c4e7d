// SPDX-License-Identifier: Apache-2.0
//
// Twilio as a sender: signs webhooks as Twilio does and posts them to the gateway. The page of the sandbox and the tests use the same code.
//
//     const twilio = new TwilioSandbox ({ accountSid: "AC1", authToken: "…", number: "+15550001111",
//                                         webhookUrl: "http://127.0.0.1:8080/hooks/acme/support-sms" });
//     const { status, ms, sid } = await twilio.receive ({ from: "+15551234567", body: "Hello" });
//
// The signature is over the *public* URL, which behind a proxy is not the address that is posted to: give publicUrl where they differ.

import { createHash, createHmac, randomBytes } from "node:crypto";
import * as http from "node:http";
import { request, type Answer } from "./http.js";

/** Parameters in the order in which they are sent; names may repeat. A value that is a Buffer is sent byte by byte. */
export type Params = readonly (readonly [name: string, value: string | Buffer])[];

/** X-Twilio-Signature of a form POST; for GET and JSON give no parameters. */
export function twilioSignature(authToken: string, url: string, params: Params = []): string {
    const values = new Map<string, Buffer[]>();
    for (const [name, value] of params) {
        const bytes = Buffer.from(value);
        const known = values.get(name) ?? [];
        if (!known.some((other) => other.equals(bytes))) known.push(bytes);
        values.set(name, known);
    }
    const hmac = createHmac("sha1", authToken).update(url);
    for (const name of [...values.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        for (const value of values.get(name)!.sort(Buffer.compare)) hmac.update(name).update(value);
    }
    return hmac.digest("base64");
}

/** The hash that Twilio puts into the URL of a JSON webhook. */
export function bodySha256(body: string | Buffer): string {
    return createHash("sha256").update(body).digest("hex");
}

function escapeForm(value: string | Buffer): string {
    let out = "";
    for (const byte of Buffer.from(value)) {
        const c = String.fromCharCode(byte);
        out += /[A-Za-z0-9._~-]/.test(c) ? c : c === " " ? "+" : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
    }
    return out;
}

/** application/x-www-form-urlencoded. */
export function formEncode(params: Params): string {
    return params.map(([name, value]) => `${escapeForm(name)}=${escapeForm(value)}`).join("&");
}

/** SM, MM or AC and 32 hexadecimal digits. */
export function newSid(prefix = "SM"): string {
    return prefix + randomBytes(16).toString("hex");
}

export interface Media {
    url: string;
    type: string;
}

export interface Sms {
    from: string;
    body: string | Buffer;
    media?: readonly Media[];
    /** Default: a new one. The same one again is a redelivery. */
    sid?: string;
    /** Parameters that Twilio has added since. */
    extra?: Params;
    to?: string;
}

export interface StatusCallback {
    sid: string;
    status: "accepted" | "queued" | "sending" | "sent" | "delivered" | "undelivered" | "failed" | "read" | "canceled";
    to: string;
    errorCode?: string;
    errorMessage?: string;
    /** MessagingServiceSid. */
    service?: string;
}

/** What is wrong, or merely unusual, with a request. */
export interface Variant {
    /**
     * wrong: made with another token. missing: no header. duplicated: the header comes twice, right and wrong. empty: no value.
     * body: made before the body was changed.
     */
    signature?: "wrong" | "missing" | "duplicated" | "empty" | "body";
    /** GET carries the parameters in the query; json signs bodySHA256. */
    form?: "post" | "get" | "json";
    /** Twilio's libraries may sign the URL with its default port spelt out. */
    port?: "explicit";
    /** The query of the request, with no question mark. */
    query?: string;
    headers?: http.OutgoingHttpHeaders;
    /** Milliseconds; Twilio waits 15 s. */
    timeout?: number;
}

export interface Delivery {
    /** 0: no answer came. */
    status: number;
    ms: number;
    sid: string;
    /** 2: the first try failed and was repeated, once, as Twilio does. */
    attempts: number;
    contentType: string;
    body: string;
    headers: http.IncomingHttpHeaders;
}

export interface TwilioOptions {
    accountSid: string;
    authToken: string;
    number: string;
    /** Where the gateway listens. */
    webhookUrl: string;
    /** What Twilio was told, and signs; default webhookUrl. */
    publicUrl?: string;
    /** False: no second try after 5xx or silence. */
    retry?: boolean;
    agent?: http.Agent;
}

export class TwilioSandbox {
    readonly options: TwilioOptions;

    constructor(options: TwilioOptions) {
        this.options = options;
    }

    /** A customer sends an SMS or, with media, an MMS. */
    async receive(sms: Sms, variant: Variant = {}): Promise<Delivery> {
        const sid = sms.sid ?? newSid(sms.media?.length ? "MM" : "SM");
        return this.post(sid, this.params(sms, sid), variant);
    }

    /** Twilio tells how a message that we sent fares. */
    async statusCallback(callback: StatusCallback, variant: Variant = {}): Promise<Delivery> {
        const params: [string, string][] = [
            ["MessageSid", callback.sid],
            ["SmsSid", callback.sid],
            ["MessageStatus", callback.status],
            ["SmsStatus", callback.status],
            ["To", callback.to],
            ["From", this.options.number],
            ["AccountSid", this.options.accountSid],
            ["ApiVersion", "2010-04-01"],
        ];
        if (callback.service) params.push(["MessagingServiceSid", callback.service]);
        if (callback.errorCode) params.push(["ErrorCode", callback.errorCode]);
        if (callback.errorMessage) params.push(["ErrorMessage", callback.errorMessage]);
        return this.post(callback.sid, params, variant);
    }

    /** Signed, but of these parameters only: for what Twilio never sent yet. */
    async raw(params: Params, variant: Variant = {}): Promise<Delivery> {
        return this.post("", params, variant);
    }

    params(sms: Sms, sid: string): Params {
        const media = sms.media ?? [];
        return [
            ["ToCountry", "US"],
            ["ToState", ""],
            ["SmsMessageSid", sid],
            ["NumMedia", String(media.length)],
            ["ToCity", ""],
            ["FromZip", "01022"],
            ["SmsSid", sid],
            ["FromState", "MA"],
            ["SmsStatus", "received"],
            ["FromCity", "CHICOPEE"],
            ["Body", sms.body],
            ["FromCountry", "US"],
            ["To", sms.to ?? this.options.number],
            ["ToZip", ""],
            ["NumSegments", "1"],
            ["MessageSid", sid],
            ["AccountSid", this.options.accountSid],
            ["From", sms.from],
            ["ApiVersion", "2010-04-01"],
            ...media.flatMap((one, i): [string, string][] => [
                [`MediaContentType${i}`, one.type],
                [`MediaUrl${i}`, one.url],
            ]),
            ...(sms.extra ?? []),
        ];
    }

    async post(sid: string, params: Params, variant: Variant): Promise<Delivery> {
        const call = this.compose(params, variant);
        const started = performance.now();
        let answer: Answer | undefined;
        let attempts = 0;
        const most = this.options.retry === false ? 1 : 2;
        while (attempts < most) {
            attempts++;
            answer = await request(this.options.webhookUrl, call).catch(() => undefined);
            if (answer && answer.status < 500) break;
        }
        return {
            status: answer?.status ?? 0,
            ms: performance.now() - started,
            sid,
            attempts,
            contentType: String(answer?.headers["content-type"] ?? ""),
            body: answer?.body.toString() ?? "",
            headers: answer?.headers ?? {},
        };
    }

    /** The request as it will be sent; for those who send it themselves. */
    compose(params: Params, variant: Variant = {}) {
        const form = variant.form ?? "post";
        const query = variant.query ?? "";
        const publicUrl = this.#signedUrl(variant);
        const target = new URL(this.options.webhookUrl).pathname;
        if (form === "get") {
            const all = [query, formEncode(params)].filter(Boolean).join("&");
            return this.#request("GET", target, all, undefined, twilioSignature(this.#token(variant), `${publicUrl}?${all}`), variant);
        }
        if (form === "json") {
            const body = JSON.stringify(Object.fromEntries(params.map(([name, value]) => [name, value.toString()])));
            const all = [query, `bodySHA256=${bodySha256(body)}`].filter(Boolean).join("&");
            const sent = variant.signature === "body" ? body + " " : body;
            return this.#request("POST", target, all, sent, twilioSignature(this.#token(variant), `${publicUrl}?${all}`), variant);
        }
        const url = query ? `${publicUrl}?${query}` : publicUrl;
        const body = formEncode(params) + (variant.signature === "body" ? "&Body=changed" : "");
        return this.#request("POST", target, query, body, twilioSignature(this.#token(variant), url, params), variant);
    }

    #token(variant: Variant): string {
        return variant.signature === "wrong" ? this.options.authToken + "x" : this.options.authToken;
    }

    #signedUrl(variant: Variant): string {
        const url = this.options.publicUrl ?? this.options.webhookUrl;
        if (variant.port !== "explicit") return url;
        return url.replace(/^(https?):\/\/([^/:]+)(?=\/)/, (_, scheme: string, host: string) => `${scheme}://${host}:${scheme === "https" ? 443 : 80}`);
    }

    #request(method: string, path: string, query: string, body: string | undefined, signature: string, variant: Variant) {
        const headers: http.OutgoingHttpHeaders = { "user-agent": "TwilioProxy/1.1", accept: "*/*" };
        if (body !== undefined) {
            headers["content-type"] =
                variant.form === "json" ? "application/json" : "application/x-www-form-urlencoded; charset=UTF-8";
        }
        if (variant.signature === "duplicated") headers["x-twilio-signature"] = [signature, twilioSignature("x", "x")];
        else if (variant.signature === "empty") headers["x-twilio-signature"] = "";
        else if (variant.signature !== "missing") headers["x-twilio-signature"] = signature;
        return {
            method,
            target: query ? `${path}?${query}` : path,
            body,
            headers: { ...headers, ...variant.headers },
            agent: this.options.agent,
            timeout: variant.timeout ?? 15_000,
        };
    }
}
