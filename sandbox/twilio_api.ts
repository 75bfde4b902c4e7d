// SPDX-License-Identifier: Apache-2.0
//
// Twilio as a provider, on loopback: its REST API, customers' phones, receipts, media; and all that can go wrong with it. The gateway's
// channel has `api_url: <api.url>` and `allow_private: true`. The tests and the page use the same code.
//
//     const api = new TwilioApi ({ accountSid, authToken, number: "+15550001111", publicUrl: "https://gw.example.com", hook: "/hooks/acme/support-sms" });
//     await api.start ();
//     api.gateway = "http://127.0.0.1:8080";                 // where it really listens; may change
//     await api.receive ({ from: "+15551230001", body: "Hello" });
//     api.fault ({ kind: "broken", accepts: true }, { times: 1 });
//     const message = await api.next (({ to }) => to === "+15551230001");
//
// URLs below publicUrl are called at `gateway` and signed as they are public; no other is ever called.

import { randomBytes } from "node:crypto";
import * as http from "node:http";
import { Door } from "./door.js";
import { accepts, reply, spoil, type Reply } from "./faults.js";
import { request as call } from "./http.js";
import { Kept } from "./kept.js";
import { Receipts, type Habit, type Status } from "./receipts.js";
import { SwitchedApi } from "./switched.js";
import { newSid, TwilioSandbox, type Delivery, type Params, type Variant } from "./twilio.js";
import { Account, errorOf, wordOf, type Fetched, type File, type Message } from "./twilio_account.js";

export interface TwilioApiOptions {
    accountSid: string;
    authToken: string;
    number: string;
    /** What Twilio was told of the gateway, without a slash at the end. */
    publicUrl: string;
    /** The path of the number's webhook below it. */
    hook: string;
    /** 0, the default: any free one. */
    port?: number;
    /** OptOutType is sent with STOP, START and HELP. */
    advancedOptOut?: boolean;
    agent?: http.Agent;
}

/** A request as it came, whatever it was answered. */
export interface Request {
    method: string;
    path: string;
    query: URLSearchParams;
    form: URLSearchParams;
    body: Buffer;
    headers: http.IncomingHttpHeaders;
    /** Milliseconds of performance.now(). */
    at: number;
    /** Messages only: what it became. */
    message: Message | undefined;
    /** Resolves when the answer is out or the connection has ended; true: all of it was sent. */
    answered: Promise<boolean>;
}

export interface Sms {
    from: string;
    body: string;
    /** Default: the sandbox's number. */
    to?: string;
    files?: readonly { type: string; bytes: Buffer; redirect?: string }[];
    sid?: string;
    /** Parameters that SMS have not: WhatsApp's ButtonText, Latitude … */
    extra?: Params;
}

const bodyMax = 1 << 20;

export class TwilioApi extends SwitchedApi {
    readonly account: Account;
    /** What the gateway sent and Twilio accepted, in order. */
    readonly accepted = new Kept<Message>("messages");
    /** What reached a customer's phone: that, and what Twilio answers by itself. */
    readonly phone = new Kept<Message>("messages on phones");
    /** Messages under which a customer saw that somebody types. */
    readonly typing = new Kept<string>("typing signals");
    readonly requests = new Kept<Request>("requests");
    /** Requests at the CDN's stand-in, which must get no credentials. */
    readonly cdnRequests = new Kept<Request>("requests of the CDN");
    readonly receipts: Receipts;
    /** Called when a message is new, or its status another. */
    onChange: ((message: Message) => void) | undefined;
    /** The gateway's real address. */
    gateway = "";
    /** Another host and another port, as a CDN is. */
    readonly #cdn: Door;
    readonly #files = new Map<string, File>();
    readonly #authorization: string;

    constructor(readonly options: TwilioApiOptions) {
        super();
        this.#authorization = `Basic ${Buffer.from(`${options.accountSid}:${options.authToken}`).toString("base64")}`;
        this.account = new Account(options.accountSid);
        this.account.addNumber(options.number, options.publicUrl + options.hook);
        this.#cdn = new Door((request, response) => void this.#handleCdn(request, response), "127.0.0.2");
        this.receipts = new Receipts((subject, status, code, lost) => this.#callBack(this.account.find(subject.sid)!, status, code, lost));
    }

    /** What the channel's api_url is. */
    async start(): Promise<string> {
        await this.#cdn.open();
        return this.door.open(this.options.port ?? 0);
    }

    async stop(): Promise<void> {
        await this.receipts.stop();
        await Promise.all([this.door.close(), this.#cdn.close()]);
    }

    get connections(): Kept<unknown> {
        return this.door.connections;
    }

    // What the gateway did.

    /** The first n messages, once they were accepted. */
    sent(n: number, wait?: number): Promise<Message[]> {
        return this.accepted.count(n, wait);
    }

    /** The first accepted message such that was not given before. */
    next(match?: (message: Message) => boolean, wait?: number): Promise<Message> {
        return this.accepted.next(match, wait);
    }

    // What customers do.

    /** A message that Twilio has and told nobody of. */
    keep(sms: Sms): Message {
        const files = (sms.files ?? []).map((file): File => ({ sid: newSid("ME"), ...file }));
        const message = this.account.add({
            ...(sms.sid ? { sid: sms.sid } : {}),
            direction: "inbound", from: sms.from, to: sms.to ?? this.options.number, body: sms.body, status: "received", files,
        });
        for (const file of files) this.#files.set(file.sid, file);
        this.#changed(message);
        return message;
    }

    /** A customer sends; the number's webhook is told. STOP, START and HELP are heeded and answered as Twilio does. */
    async receive(sms: Sms, variant: Variant = {}): Promise<Delivery> {
        const message = this.keep(sms);
        const word = wordOf(sms.body);
        const isWhatsApp = message.to.startsWith("whatsapp:"); // where Twilio heeds no words
        const answer = word && !isWhatsApp && this.account.heed(word, message.to, message.from);
        if (answer) this.#ring(this.account.add({ direction: "outbound-reply", from: message.to, to: message.from, body: answer, status: "delivered" }));
        const hook = this.account.numbers.get(message.to)?.smsUrl ?? "";
        const media = message.files.map(({ sid, type }) => ({ type, url: `${this.url}${this.account.path}/Messages/${message.sid}/Media/${sid}` }));
        const extra = [...(sms.extra ?? []), ...(word && this.options.advancedOptOut ? [["OptOutType", word]] as const : [])];
        return this.#speaker(hook, message.to).receive({ from: sms.from, to: message.to, body: sms.body, sid: message.sid, media, extra }, variant);
    }

    /** Twilio as a client of that public URL; of nothing where it is not the gateway's. */
    #speaker(publicUrl: string, number: string): TwilioSandbox {
        const { accountSid, authToken, agent } = this.options;
        const webhookUrl = this.#real(publicUrl) ?? "http://127.0.0.1:1/";
        return new TwilioSandbox({ accountSid, authToken, number, publicUrl, webhookUrl, ...(agent ? { agent } : {}) });
    }

    #real(url: string): string | undefined {
        return url.startsWith(`${this.options.publicUrl}/`) ? this.gateway + url.slice(this.options.publicUrl.length) : undefined;
    }

    #callBack(message: Message, status: Status, code: number | undefined, lost: boolean): Promise<Delivery | undefined> {
        this.#changed(message);
        if (message.statusCallback === undefined || lost) return Promise.resolve(undefined);
        const [url, query] = message.statusCallback.replace(/#.*/, "").split("?") as [string, string | undefined];
        return this.#speaker(url, message.from).statusCallback(
            {
                sid: message.sid, status, to: message.to,
                ...(message.service ? { service: message.service } : {}),
                ...(code === undefined ? {} : { errorCode: String(code) }),
            },
            query === undefined ? {} : { query },
        );
    }

    /** It is on the customer's phone. */
    #ring(message: Message): void {
        this.phone.push(message);
        this.#changed(message);
    }

    #changed(message: Message): void {
        this.accepted.changed();
        this.phone.changed();
        this.onChange?.(message);
    }

    // The API.

    protected async handle(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const request = await read(incoming, response);
        if (!request) return;
        this.requests.push(request);
        if (request.headers.authorization !== this.#authorization) return reply(response, errorOf(20003));
        if (request.method === "POST" && request.path === "/v3/Indicators/Typing.json") return this.#type(request, response);
        const route = request.path.startsWith(this.account.path) ? request.path.slice(this.account.path.length) : undefined;
        if (route === undefined) return reply(response, errorOf(request.path.startsWith("/2010-04-01/Accounts/") ? 20003 : 20404));
        if (request.method === "POST" && route === "/Messages.json") return this.#send(request, response);
        const isFile = /\/Media\/ME\w+$/.test(route);
        const fault = this.faults.take(isFile ? "media" : "read");
        const right = this.#look(request, route);
        if (fault) spoil(fault, right, response, errorOf);
        else reply(response, right);
    }


    /** WhatsApp: the customer sees that somebody types. */
    #type(request: Request, response: http.ServerResponse): void {
        const { channel, messageId } = JSON.parse(request.body.toString()) as Record<string, string>;
        const isRight = channel === "WHATSAPP" && this.account.find(messageId ?? "")?.direction === "inbound";
        if (isRight) this.typing.push(messageId!);
        const fault = this.faults.take("signal");
        const right = isRight ? { status: 200, body: { success: true } } : errorOf(20404);
        if (fault) spoil(fault, right, response, errorOf);
        else reply(response, right);
    }

    async #send(request: Request, response: http.ServerResponse): Promise<void> {
        const to = request.form.get("To") ?? "";
        const fault = this.faults.take("send", to);
        if (fault && !accepts(fault)) return spoil(fault, { status: 201, body: {} }, response, errorOf);
        const checked = this.account.check(request.form);
        if ("code" in checked) return reply(response, errorOf(checked.code));
        const message = this.#accept(request, checked.from);
        const right: Reply = { status: 201, body: this.account.messageJson(message) };
        const habit = this.habits.take("send", to) ?? {};
        const answer = () => (fault ? spoil(fault, right, response, errorOf) : reply(response, right));
        if (!habit.early) answer();
        await this.receipts.tell(message, this.#deliver(message, habit));
        if (habit.early) answer();
    }

    #accept(request: Request, from: string): Message {
        const { form } = request;
        const service = form.get("MessagingServiceSid");
        const message = this.account.add({
            direction: "outbound-api", from, to: form.get("To")!, body: form.get("Body") ?? "", status: service ? "accepted" : "queued", service,
            template: form.has("ContentSid") ? { sid: form.get("ContentSid")!, variables: JSON.parse(form.get("ContentVariables") ?? "{}") as Record<string, string> } : undefined,
            mediaUrls: form.getAll("MediaUrl"), statusCallback: form.get("StatusCallback") ?? undefined,
        });
        request.message = message;
        this.accepted.push(message);
        return message;
    }

    /** Fetches its files; how it will fare. */
    async #deliver(message: Message, habit: Habit): Promise<Habit> {
        for (const url of message.mediaUrls) message.fetched.push(await this.#fetch(url));
        const isWhole = message.fetched.every(({ status }) => status === 200);
        const fate: Habit = isWhole ? habit : { ...habit, statuses: ["failed"], code: 11200 };
        if (fate.code === undefined) this.#ring(message);
        else this.#changed(message);
        return fate;
    }

    async #fetch(url: string): Promise<Fetched> {
        const real = this.#real(url);
        const answer = real === undefined ? undefined : await call(real, { headers: { "user-agent": "TwilioProxy/1.1" } }).catch(() => undefined);
        return { url, status: answer?.status ?? 0, type: answer?.headers["content-type"] ?? "", bytes: answer?.body ?? Buffer.alloc(0) };
    }

    #look({ method, query, form }: Request, route: string): Reply {
        const found = (body: object): Reply => ({ status: 200, body });
        const number = /^\/IncomingPhoneNumbers\/(PN\w+)\.json$/.exec(route)?.[1];
        if (number !== undefined) {
            const one = [...this.account.numbers.values()].find(({ sid }) => sid === number);
            if (!one) return errorOf(20404);
            if (method === "POST") {
                one.smsUrl = form.get("SmsUrl") ?? one.smsUrl;
                one.smsMethod = form.get("SmsMethod") ?? one.smsMethod;
            }
            return found(this.account.numberJson(one));
        }
        if (method !== "GET") return errorOf(20004);
        if (route === ".json") return found(this.account.accountJson());
        if (route === "/IncomingPhoneNumbers.json") return found(this.account.numbersJson(query));
        if (route === "/Messages.json") return found(this.account.messagesJson(query));
        const [, sid, rest] = /^\/Messages\/(\w+)(\.json|\/Media\.json|\/Media\/\w+(?:\.json)?)$/.exec(route) ?? [];
        const message = sid === undefined ? undefined : this.account.find(sid);
        if (!message) return errorOf(20404);
        if (rest === ".json") return found(this.account.messageJson(message));
        if (rest === "/Media.json") return found(this.account.filesJson(message));
        const file = message.files.find((one) => rest?.startsWith(`/Media/${one.sid}`));
        if (!file) return errorOf(20404);
        if (rest!.endsWith(".json")) return found(this.account.fileJson(message, file));
        const location = file.redirect ?? `${this.#cdn.url}/${file.sid}?Expires=${Math.floor(Date.now() / 1000) + 900}&Signature=${randomBytes(12).toString("hex")}`;
        return { status: 307, headers: { location }, body: Buffer.alloc(0) };
    }

    async #handleCdn(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const request = await read(incoming, response);
        if (!request) return;
        this.cdnRequests.push(request);
        const file = this.#files.get(request.path.slice(1));
        const right: Reply = file
            ? { status: 200, headers: { "content-type": file.type }, body: file.bytes }
            : { status: 403, headers: { "content-type": "application/xml" }, body: Buffer.from("<Error><Code>AccessDenied</Code></Error>") };
        const fault = this.faults.take("cdn");
        if (fault) spoil(fault, right, response, errorOf);
        else reply(response, right);
    }
}

/** The whole request; undefined where it ended before. */
async function read(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<Request | undefined> {
    const answered = new Promise<boolean>((resolve) => response.on("close", () => resolve(response.writableFinished)));
    const body = await readBody(incoming);
    if (body === undefined) {
        response.destroy();
        return undefined;
    }
    const [path = "/", query] = (incoming.url ?? "/").split("?");
    const isForm = /^application\/x-www-form-urlencoded\b/.test(incoming.headers["content-type"] ?? "");
    return {
        method: incoming.method ?? "GET",
        path,
        query: new URLSearchParams(query),
        form: new URLSearchParams(isForm ? body.toString() : ""),
        body,
        headers: incoming.headers,
        at: performance.now(),
        message: undefined,
        answered,
    };
}

function readBody(incoming: http.IncomingMessage): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > bodyMax) resolve(undefined);
            else chunks.push(chunk);
        });
        incoming.on("end", () => resolve(Buffer.concat(chunks)));
        incoming.on("close", () => resolve(undefined)); // after "end" it changes nothing
    });
}
