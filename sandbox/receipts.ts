// SPDX-License-Identifier: Apache-2.0
//
// What a provider says of its messages later, and in which unpleasant ways: late, shuffled, twice, before its own answer, never.

import { Kept } from "./kept.js";
import type { Delivery, StatusCallback } from "./twilio.js";

export type Status = StatusCallback["status"];

export interface Habit {
    /** Default: sent, delivered; with a code: sent, undelivered. */
    statuses?: readonly Status[];
    /** The last of them says why: 30003 … */
    code?: number;
    /** Milliseconds until the first. */
    ms?: number;
    order?: "given" | "reversed" | "shuffled";
    /** Each comes again. */
    twice?: boolean;
    /** All are told, and answered, before the request that sends the message is. */
    early?: boolean;
    /** They wait for `release`. */
    held?: boolean;
    /** It all happens, and the gateway is never told. */
    lost?: boolean;
}

/** Resolves with undefined where nobody asked to be told. */
type Send = (subject: Subject, status: Status, code: number | undefined, lost: boolean) => Promise<Delivery | undefined>;

/** One receipt and what the gateway answered. */
export interface Told {
    sid: string;
    status: Status;
    code: number | undefined;
    delivery: Delivery;
}

/** What of a message they speak of; its status rises as they are told, and is the truth in the end. */
export interface Subject {
    sid: string;
    status: string;
    errorCode: number | null;
}

const ranks: readonly string[] = ["accepted", "queued", "sending", "sent", "failed", "undelivered", "delivered", "read"];

export class Receipts {
    /** In the order in which the gateway answered. */
    readonly told = new Kept<Told>("receipts");
    readonly #send: Send;
    /** Timers, and what waits for each. */
    readonly #timers = new Map<NodeJS.Timeout, () => void>();
    #held: (() => void)[] = [];
    #underWay = 0;
    #stopped = false;

    constructor(send: Send) {
        this.#send = send;
    }

    /** Tells of one message; resolves when the last was answered. soon: how, once that is known. */
    async tell(subject: Subject, soon: Promise<Habit>): Promise<void> {
        this.#underWay++;
        const habit = await soon;
        if (habit.held) await new Promise<void>((resolve) => this.#held.push(resolve));
        if (habit.ms) await this.#wait(habit.ms);
        for (const [status, code] of plan(habit)) {
            if (this.#stopped) break;
            if (ranks.indexOf(status) > ranks.indexOf(subject.status)) subject.status = status;
            if (code !== undefined) subject.errorCode = code;
            const delivery = await this.#send(subject, status, code, habit.lost ?? false);
            if (delivery) this.told.push({ sid: subject.sid, status, code, delivery });
        }
        this.#underWay--;
        this.told.changed();
    }

    /** Lets go what was held. */
    release(): void {
        for (const go of this.#held.splice(0)) go();
    }

    /** Once nothing is on its way any more; what is held still is. */
    idle(): Promise<void> {
        return this.told.until(() => (this.#underWay === 0 ? true : undefined), "the last receipt").then(() => undefined);
    }

    /** Those that the gateway did not acknowledge are told again, as if the provider had more patience than it has. */
    async repeat(): Promise<void> {
        const failed = this.told.all.filter(({ delivery }) => delivery.status < 200 || delivery.status > 299);
        for (const one of failed) {
            const again = await this.#send({ sid: one.sid, status: one.status, errorCode: null }, one.status, one.code, false);
            if (again) one.delivery = again;
        }
        this.told.changed();
    }

    /** Tells no more; resolves when what was on its way has arrived. */
    async stop(): Promise<void> {
        this.#stopped = true;
        this.release();
        for (const [timer, go] of this.#timers) {
            clearTimeout(timer);
            go();
        }
        await this.idle();
    }

    #wait(ms: number): Promise<void> {
        return new Promise((resolve) => {
            const timer = setTimeout(() => {
                this.#timers.delete(timer);
                resolve();
            }, ms);
            this.#timers.set(timer, resolve);
        });
    }
}

function plan(habit: Habit): [Status, number | undefined][] {
    const statuses = habit.statuses ?? (habit.code === undefined ? ["sent", "delivered"] : ["sent", "undelivered"]);
    const given = statuses.map((status, i): [Status, number | undefined] => [status, i === statuses.length - 1 ? habit.code : undefined]);
    const ordered = habit.order === "reversed" ? given.reverse() : habit.order === "shuffled" ? shuffle(given) : given;
    return habit.twice ? ordered.flatMap((one) => [one, one]) : ordered;
}

/** Never as it was, where it can be another way. */
function shuffle<T>(given: readonly T[]): T[] {
    const out = [...given];
    for (let i = out.length - 1; i > 0; i--) {
        const other = Math.floor(Math.random() * i);
        [out[i], out[other]] = [out[other]!, out[i]!];
    }
    return out;
}
