// SPDX-License-Identifier: Apache-2.0
//
// What every provider of the sandbox can be made: dead, hanging, faulty, or slow with its receipts.

import type * as http from "node:http";
import { Door } from "./door.js";
import { Switches, type Fault, type Scope } from "./faults.js";
import type { Habit } from "./receipts.js";

/** Its switches return what switches them off again; `well` switches off all of them. */
export abstract class SwitchedApi {
    protected readonly faults = new Switches<Fault>();
    protected readonly habits = new Switches<Habit>();
    protected readonly door = new Door((request, response) => void this.handle(request, response));

    protected abstract handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void>;

    get url(): string {
        return this.door.url;
    }

    fault(fault: Fault, scope: Scope = {}): () => void {
        return this.faults.on(fault, scope);
    }

    habit(habit: Habit, scope: Scope = {}): () => void {
        return this.habits.on(habit, scope);
    }

    /** The port is closed; what was open is reset. */
    async die(): Promise<void> {
        await this.door.close();
    }

    /** Connections are accepted and never read. */
    hang(): void {
        this.door.hang(true);
    }

    async well(): Promise<void> {
        this.faults.off();
        this.habits.off();
        this.door.hang(false);
        await this.door.open();
    }
}
