// SPDX-License-Identifier: Apache-2.0
//
// The switches that the page offers: how Twilio and Meta answer, and how their receipts go. The first of each is the good one.

import type { Fault, Scope } from "./faults.js";
import type { GraphTemplate } from "./graph_account.js";
import type { Habit } from "./receipts.js";

export interface Preset<T> {
    id: string;
    label: string;
    /** What one sees happen. */
    help: string;
    what?: T;
    /** Of which requests; default: those that send. */
    of?: NonNullable<Scope["of"]>;
}

export type Answering = Fault | "dead" | "hang";

export const answers: readonly Preset<Answering>[] = [
    { id: "well", label: "as it should", help: "201, at once" },
    { id: "limit", label: "429", help: "too many requests, Retry-After: 5", what: { kind: "limit", retryAfter: "5" } },
    { id: "broken", label: "500", help: "an error, and the message was not taken", what: { kind: "broken" } },
    { id: "broken-taken", label: "500, but sent", help: "an error, though the message was taken", what: { kind: "broken", accepts: true } },
    { id: "silence-taken", label: "timeout, but sent", help: "the message is taken and the answer never comes", what: { kind: "silence", accepts: true } },
    { id: "silence", label: "timeout", help: "nothing is taken, nothing is answered", what: { kind: "silence" } },
    { id: "close", label: "hangs up", help: "the connection ends without a byte", what: { kind: "close" } },
    { id: "late", label: "5 s late", help: "a good answer after five seconds", what: { kind: "late", ms: 5000 } },
    { id: "html", label: "HTML", help: "200 and a web page", what: { kind: "html" } },
    { id: "half", label: "half JSON", help: "201 and half an answer; the message was taken", what: { kind: "half" } },
    { id: "inside", label: "error in a 200", help: "200 with an error inside", what: { kind: "inside" } },
    { id: "huge", label: "1 GB", help: "an answer that does not end", what: { kind: "huge" } },
    { id: "drip", label: "1 byte/s", help: "an answer that takes minutes", what: { kind: "drip" } },
    { id: "opted-out", label: "opted out", help: "21610: the customer wants no messages", what: { kind: "error", code: 21610 } },
    { id: "bad-number", label: "bad number", help: "21211: not a valid phone number", what: { kind: "error", code: 21211 } },
    { id: "stranger", label: "bad token", help: "20003: the credentials are wrong", what: { kind: "error", code: 20003 } },
    { id: "dead", label: "dead", help: "the port is closed", what: "dead" },
    { id: "hang", label: "hangs", help: "connections are accepted and never read", what: "hang" },
];

export const graphAnswers: readonly Preset<Answering>[] = [
    { id: "well", label: "as it should", help: "200, at once" },
    { id: "pair", label: "too fast for one", help: "131056, too many messages to this person: 4 seconds, then longer", what: { kind: "error", code: 131056 } },
    { id: "limit", label: "too fast for all", help: "130429, too many messages from this number", what: { kind: "limit" } },
    { id: "broken", label: "an error", help: "131000, and the message was not taken", what: { kind: "broken" } },
    { id: "html", label: "503, HTML", help: "a web page that says that it is unavailable", what: { kind: "html", status: 503 } },
    { id: "silence-taken", label: "timeout, but sent", help: "the message is taken and the answer never comes", what: { kind: "silence", accepts: true } },
    { id: "silence", label: "timeout", help: "nothing is taken, nothing is answered", what: { kind: "silence" } },
    { id: "late", label: "5 s late", help: "a good answer after five seconds", what: { kind: "late", ms: 5000 } },
    { id: "upload", label: "no upload", help: "131053: a file cannot be uploaded", what: { kind: "error", code: 131053 }, of: "upload" },
    { id: "undeliverable", label: "not reached", help: "131026: this person cannot be reached", what: { kind: "error", code: 131026 } },
    { id: "opted-out", label: "opted out", help: "131050: this person wants no advertisements", what: { kind: "error", code: 131050 } },
    { id: "stranger", label: "bad token", help: "190: the token is no longer good", what: { kind: "error", code: 190 } },
    { id: "dead", label: "dead", help: "the port is closed", what: "dead" },
    { id: "hang", label: "hangs", help: "connections are accepted and never read", what: "hang" },
];

export const receipts: readonly Preset<Habit>[] = [
    { id: "well", label: "sent, delivered, read", help: "one after the other", what: { statuses: ["sent", "delivered", "read"] } },
    { id: "late", label: "5 s late", help: "after five seconds", what: { statuses: ["sent", "delivered", "read"], ms: 5000 } },
    { id: "shuffled", label: "shuffled", help: "in a wrong order", what: { statuses: ["sent", "delivered", "read"], order: "shuffled" } },
    { id: "twice", label: "doubled", help: "each comes again", what: { statuses: ["sent", "delivered", "read"], twice: true } },
    { id: "early", label: "before the answer", help: "all before the request is answered", what: { statuses: ["sent", "delivered", "read"], early: true } },
    { id: "none", label: "none", help: "it is delivered, and nobody is told", what: { statuses: ["sent", "delivered"], lost: true } },
    { id: "failed", label: "undelivered", help: "30003: the handset cannot be reached", what: { code: 30003 } },
];

/** The same, but for the code of those that fail. */
export const graphReceipts: readonly Preset<Habit>[] = receipts.map((one) =>
    one.id === "failed" ? { id: "failed", label: "failed", help: "131026: the message cannot be delivered", what: { code: 131026 } } : one,
);

/** What the demo's business may say at any time. */
export const templates: readonly Pick<GraphTemplate, "name" | "language" | "category" | "components">[] = [
    {
        name: "order_ready", language: "en", category: "UTILITY",
        components: [
            { type: "BODY", text: "Hello {{1}}, your order {{2}} is ready. Shall we bring it?" },
            { type: "FOOTER", text: "Acme Ltd" },
            { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "Yes, please" }, { type: "QUICK_REPLY", text: "I will come" }] },
        ],
    },
];
