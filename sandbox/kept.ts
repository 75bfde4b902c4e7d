// SPDX-License-Identifier: Apache-2.0
//
// What happened, in order, kept for good, and awaited without sleeping:
//
//     const sent = new Kept<Message> ("messages");
//     await sent.count (3);                                // the first three, once they are there
//     await sent.next ((one) => one.to === "+15551230001"); // the first such that next has not given before
//
// An awaited thing that does not come is an error after `patience` milliseconds: a test then says what it waited for.

export const patience = 15_000;

export class Kept<T> {
    readonly all: T[] = [];
    readonly #given = new Set<T>();
    readonly #waiting = new Set<() => void>();

    constructor(readonly name: string) {}

    push(one: T): void {
        this.all.push(one);
        this.changed();
    }

    /** One of them is no longer what it was: who waits looks again. */
    changed(): void {
        for (const look of [...this.#waiting]) look();
    }

    count(n: number, wait = patience): Promise<T[]> {
        return this.until(() => (this.all.length >= n ? this.all.slice(0, n) : undefined), `${n} ${this.name}`, wait);
    }

    next(match: (one: T) => boolean = () => true, wait = patience): Promise<T> {
        return this.until(
            () => {
                const found = this.all.find((one) => !this.#given.has(one) && match(one));
                if (found !== undefined) this.#given.add(found);
                return found;
            },
            `the next of ${this.name}`,
            wait,
        );
    }

    /** Resolves with the first answer that is not undefined; asks at once, and again whenever something changed. */
    until<R>(question: () => R | undefined, what: string, wait = patience): Promise<R> {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#waiting.delete(look);
                reject(new Error(`waited in vain for ${what}: there are ${this.all.length} ${this.name}`));
            }, wait);
            const look = () => {
                const answer = question();
                if (answer === undefined) return;
                clearTimeout(timer);
                this.#waiting.delete(look);
                resolve(answer);
            };
            this.#waiting.add(look);
            look();
        });
    }
}
