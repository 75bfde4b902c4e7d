// SPDX-License-Identifier: Apache-2.0
//
// One provider of the page with its switches: Twilio or Meta, which both can be made well, dead, hanging or faulty.

import type { Fault, Scope } from "./faults.js";
import type { Answering, Preset } from "./presets.js";
import type { Habit } from "./receipts.js";

/** What the switches turn. */
interface Provider {
    well(): Promise<void>;
    die(): Promise<void>;
    hang(): void;
    fault(fault: Fault, scope?: Scope): () => void;
    habit(habit: Habit, scope?: Scope): () => void;
}

export interface Switched {
    answers: string;
    receipts: string;
    once: boolean;
}

export class ServiceSwitches {
    now: Switched = { answers: "well", receipts: "well", once: false };

    constructor(
        readonly provider: Provider,
        readonly answers: readonly Preset<Answering>[],
        readonly receipts: readonly Preset<Habit>[],
        readonly changed: () => void,
    ) {}

    /** False: there is no such switch. Afterwards the provider does as `now` says. */
    async turn(given: Record<string, unknown>): Promise<boolean> {
        const wanted = { ...this.now, ...given };
        const answer = this.answers.find(({ id }) => id === wanted.answers);
        const receipt = this.receipts.find(({ id }) => id === wanted.receipts);
        if (!answer || !receipt) return false;
        this.now = { answers: answer.id, receipts: receipt.id, once: wanted.once === true };
        await this.provider.well();
        if (receipt.what) this.provider.habit(receipt.what);
        if (answer.what === "dead") await this.provider.die();
        else if (answer.what === "hang") this.provider.hang();
        else if (answer.what) this.provider.fault(answer.what, this.#scope(answer.of));
        this.changed();
        return true;
    }

    #scope(of: Scope["of"]): Scope {
        const once = this.now.once ? { times: 1, done: () => void this.turn({ answers: "well" }) } : {};
        return { ...(of ? { of } : {}), ...once };
    }
}
