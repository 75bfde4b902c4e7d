// SPDX-License-Identifier: Apache-2.0
//
// Chromium, as somebody sits before it.

import puppeteer, { type Page } from "puppeteer-core";
import { onExit } from "./cluster.js";

const program = process.env["SB_CHROMIUM"] ?? "/usr/bin/chromium";

/** A page that is open; faults: what its console complained of, and what it could not load. */
export async function openPage(url: string): Promise<{ page: Page; faults: string[]; close: () => Promise<void> }> {
    // Root may not have a sandbox of Chromium's; in a container /dev/shm may be small.
    const args = ["--disable-gpu", "--disable-dev-shm-usage", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
    const browser = await puppeteer.launch({ executablePath: program, args });
    const forget = onExit(() => browser.process()?.kill("SIGKILL"));
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && faults.push(message.text())));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("requestfailed", (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(url);
    return {
        page,
        faults,
        close: async () => {
            await browser.close();
            forget();
        },
    };
}

/** The text of the first element of that selector that fits, as soon as there is one. */
export async function seen(page: Page, selector: string, fits: RegExp): Promise<string> {
    const found = await page.waitForFunction(
        (selector, source, flags) =>
            [...document.querySelectorAll<HTMLElement>(selector)].map((one) => one.innerText).find((text) => new RegExp(source, flags).test(text)),
        {},
        selector,
        fits.source,
        fits.flags,
    );
    return (await found.jsonValue()) ?? "";
}
