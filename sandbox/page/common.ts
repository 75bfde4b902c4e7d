// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the page share.

import { SseParser, type SseEvent } from "../sse.js";

export type ServiceName = "sms" | "whatsapp";
export interface Customer { id: string; name: string; number: string; address: string; service: ServiceName }
export interface Preset { id: string; label: string; help: string }
export interface Service { title: string; number: string; answers: Preset[]; receipts: Preset[] }
export interface State { customers: Customer[]; services: Record<ServiceName, Service> }

export function find<T extends HTMLElement>(id: string): T {
    return document.getElementById(id) as T;
}

export function make(tag: string, className: string, words: string): HTMLElement {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = words;
    return made;
}

export const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export async function read<T>(path: string): Promise<T> {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as T;
}

/** What was answered, and what a person may be told where it went wrong. */
export async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<{ status: number; json: T | undefined; why: string }> {
    try {
        const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
        const json = (await answer.json().catch(() => undefined)) as (T & { error?: string; detail?: string; title?: string }) | undefined;
        return { status: answer.status, json, why: json?.error ?? json?.detail ?? json?.title ?? `answered ${answer.status}` };
    } catch {
        return { status: 0, json: undefined, why: "the sandbox does not answer" };
    }
}

/** Each event of a stream, until it ends or hear says that it is enough. */
export async function follow(path: string, hear: (event: SseEvent) => boolean | void, opened?: () => void): Promise<void> {
    const answer = await fetch(path, { headers: { accept: "text/event-stream" } });
    if (!answer.ok || !answer.body) throw new Error(`${path}: ${answer.status}`);
    opened?.();
    let enough = false;
    const parser = new SseParser((event) => {
        if (!enough && hear(event) === false) enough = true;
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        parser.push(value);
        if (enough) return reader.cancel();
    }
}

/** A text field that sends with Enter and breaks its line with Shift. */
export function onSubmit(form: HTMLFormElement, text: HTMLTextAreaElement, send: (words: string) => void): void {
    text.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        const words = text.value;
        if (words.trim() === "") return;
        text.value = "";
        text.dispatchEvent(new Event("input"));
        send(words);
        text.focus();
    });
}
